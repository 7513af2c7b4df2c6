// The portal knows no time zone of the reader's: their browser does.
const format = new Intl.DateTimeFormat(document.documentElement.lang, {
  day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit", timeZoneName: "short",
});
for (const time of document.querySelectorAll("time")) time.textContent = format.format(new Date(time.dateTime));
for (const field of document.querySelectorAll("input[name=zone], input[data-guess=zone]")) {
  field.value = format.resolvedOptions().timeZone;
}
