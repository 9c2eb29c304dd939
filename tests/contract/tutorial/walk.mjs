// The tutorial's program in JavaScript, in our own words, with fetch in the place of axios.
import { writeFile } from 'node:fs/promises';

const { CUSTOM_MODELS_CLIENT_ID: id, CUSTOM_MODELS_CLIENT_SECRET: secret, PAUSE = '5' } = process.env;

async function answer(url, options) {
  const response = await fetch(url, options);
  if (!response.ok) {
    console.error(await response.text());
    process.exit(1);
  }
  return response.json();
}

const form = new URLSearchParams({
  grant_type: 'client_credentials',
  client_id: id,
  client_secret: secret,
  scope: 'openid,AdobeID,firefly_api,ff_apis',
});
const token = await answer('https://ims-na1.adobelogin.com/ims/token/v3', { method: 'POST', body: form });

const headers = {
  Accept: 'application/json',
  'Content-Type': 'application/json',
  'x-api-key': id,
  Authorization: `Bearer ${token.access_token}`,
};
const models = await answer('https://firefly-api.adobe.io/v3/custom-models', { headers });

const job = await answer('https://firefly-api.adobe.io/v3/images/generate-async', {
  method: 'POST',
  headers: { ...headers, 'x-accept-mimetype': 'image/jpeg', 'x-model-version': 'image3_custom' },
  body: JSON.stringify({
    numVariations: 2,
    seeds: [66080, 82683],
    size: { width: 2048, height: 2048 },
    prompt: 'Laika running over rolling green hills with a big vibrant sun in the background',
    negativePrompt: 'red',
    contentClass: 'photo',
    visualIntensity: 6,
    style: { presets: ['painting'], strength: 50 },
    promptBiasingLocaleCode: 'en-US',
    customModelId: models.custom_models[0]['repo:assetId'],
  }),
});

let done = { status: 'running' };
while (done.status !== 'succeeded' && done.status !== 'failed') {
  await new Promise((resolve) => setTimeout(resolve, Number(PAUSE) * 1000));
  done = await answer(job.statusUrl, { headers });
}
console.log('status', done.status);
for (const output of done.result.outputs) {
  const picture = await fetch(output.image.url);
  await writeFile(`${output.seed}.jpg`, Buffer.from(await picture.arrayBuffer()));
}
