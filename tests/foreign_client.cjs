// The official JavaScript SDK at work on a portal; what it gives goes out as JSON.
"use strict";

const { createRequire } = require("node:module");

const [folder, asked] = process.argv.slice(2);
const { B24OAuth, AjaxError } = createRequire(`${folder}/x.js`)("@bitrix24/b24jssdk");
const { auth, secret, steps } = JSON.parse(asked);

const restrictionParams = { retryDelay: 50, maxRetries: 3, maxDelay: 500 };
const b24 = new B24OAuth(auth, secret, { restrictionParams });
b24.offClientSideWarning();
const renewed = [];
b24.setCallbackRefreshAuth(async ({ authData }) => { renewed.push(authData.access_token); });

const acts = {
  call: async ({ method, params }) => {
    const answer = await b24.actions.v2.call.make({ method, params });
    return answer.isSuccess ? answer.getData().result : answer.getErrorMessages();
  },
  batch: async ({ calls }) => {
    const options = { isHaltOnError: false, returnAjaxResult: true };
    const answer = await b24.actions.v2.batch.make({ calls, options });
    const results = Object.entries(answer.getData());
    return Object.fromEntries(results.map(([key, one]) => [key, one.isSuccess ? one.getData().result : null]));
  },
  list: async ({ method, params }) => {
    const answer = await b24.actions.v2.callList.make({ method, params });
    return answer.getData().map((row) => row.ID);
  },
};

async function play() {
  const results = [];
  for (const { act, ...what } of steps) {
    try {
      results.push(await acts[act](what));
    } catch (error) {
      results.push({ refused: error instanceof AjaxError ? error.code : String(error) });
    }
  }
  return { results, renewed };
}

play().then((outcome) => {
  process.stdout.write(JSON.stringify(outcome));
  b24.destroy();
});
