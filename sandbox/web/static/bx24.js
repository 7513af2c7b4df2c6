// What pages in the portal's frames get as BX24: the part of it that is needed here.
// The frame is named "domain|protocol|app sid"; a message to the portal is
// "command:params:callback:app sid", its answer "callback:JSON".
(function () {
  "use strict";
  var name = window.name.split("|");
  var query = new URLSearchParams(window.location.search);
  var domain = name.length > 2 ? name[0] : query.get("DOMAIN");
  var secure = (name.length > 2 ? name[1] : query.get("PROTOCOL")) === "1";
  var appSid = name.length > 2 ? name[2] : query.get("APP_SID");
  var portal = (secure ? "https://" : "http://") + domain;
  var waiting = new Map();
  var count = 0;
  var data = null;
  var whenReady = [];

  function send(command, params, callback) {
    if (window.parent === window || !domain || !appSid) return;
    var parts = [command];
    if (params) parts.push(JSON.stringify(params));
    count += 1;
    var key = "bx24" + count;
    waiting.set(key, callback || function () {});
    parts.push(key, appSid);
    window.parent.postMessage(parts.join(":"), portal);
  }

  window.addEventListener("message", function (event) {
    if (event.origin !== portal || event.source !== window.parent) return;
    if (typeof event.data !== "string") return;
    var colon = event.data.indexOf(":");
    var key = colon < 0 ? event.data : event.data.slice(0, colon);
    var callback = waiting.get(key);
    if (!callback) return;
    waiting.delete(key);
    callback(colon < 0 || colon + 1 === event.data.length ? undefined
      : JSON.parse(event.data.slice(colon + 1)));
  });

  function asAuth() {
    return {
      access_token: data.AUTH_ID, refresh_token: data.REFRESH_ID,
      expires_in: Number(data.AUTH_EXPIRES), domain: data.DOMAIN, member_id: data.MEMBER_ID,
    };
  }

  function size() {
    var page = document.documentElement;
    return { width: page.clientWidth, height: document.body.scrollHeight };
  }

  window.BX24 = {
    init: function (callback) {
      if (data) { callback(); return; }
      whenReady.push(callback);
      if (whenReady.length > 1) return;
      send("getInitData", null, function (answer) {
        data = answer;
        whenReady.splice(0).forEach(function (ready) { ready(); });
      });
    },
    install: function (callback) {
      this.init(function () { if (data.INSTALL) callback(); });
    },
    installFinish: function () { send("setInstallFinish"); },
    getAuth: function () { return data ? asAuth() : false; },
    getDomain: function () { return domain; },
    getLang: function () { return data ? data.LANG : query.get("LANG"); },
    isAdmin: function () { return Boolean(data && data.IS_ADMIN); },
    placement: {
      info: function () {
        return { placement: data.PLACEMENT, options: data.PLACEMENT_OPTIONS };
      },
    },
    fitWindow: function (callback) { send("resizeWindow", size(), callback); },
    resizeWindow: function (width, height, callback) {
      send("resizeWindow", { width: width, height: height }, callback);
    },
    setTitle: function (title, callback) { send("setTitle", { title: title }, callback); },
    reloadWindow: function (callback) { send("reloadWindow", null, callback); },
    openApplication: function (params) { send("openApplication", params); },
    closeApplication: function () { send("closeApplication"); },
    im: { openMessenger: function (dialog) { send("imOpenMessenger", { dialog: dialog }); } },
  };
})();
