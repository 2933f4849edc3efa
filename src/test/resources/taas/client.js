// A client of TAAS, as protocol.md, 3 describes it: node client.js PORT get LABEL | pairings UUID BASE32 LABEL | raw NAME
const { createHmac } = require('node:crypto');
const { readFileSync } = require('node:fs');
const https = require('node:https');

const [port, what, ...more] = process.argv.slice(2);
const ca = [readFileSync('conf/registrar-ca.crt'), readFileSync('hidden.crt')];

/** Asks once, at this machine whatever the name is. */
function ask(url, headers = {}) {
  return new Promise((resolve, reject) => {
    https.get(url, { ca, headers, agent: false, lookup: (n, o, cb) => o.all
      ? cb(null, [{ address: '127.0.0.1', family: 4 }]) : cb(null, '127.0.0.1', 4) }, response => {
      const chunks = [];
      response.on('data', data => chunks.push(data));
      response.on('end', () => resolve({ status: response.statusCode, headers: response.headers,
        body: Buffer.concat(chunks).toString() }));
      response.on('error', reject);
    }).on('error', reject);
  });
}
function base32(text) {
  const bits = [...text].map(c =>
    'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(c).toString(2).padStart(5, '0')).join('');
  return Buffer.from(bits.match(/.{8}/g).map(octet => parseInt(octet, 2)));
}
function token(secret) {
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 1000 / 30)));
  const mac = createHmac('sha1', base32(secret)).update(counter).digest();
  return String((mac.readUInt32BE(mac[19] & 15) & 0x7fffffff) % 1e6).padStart(6, '0');
}

const modes = {
  async get(label) {
    for (let i = 1; i <= 5; i++) {
      const first = await ask(`https://${label}.servers.example:${port}/x?y=${i}`);
      const second = await ask(first.headers.location);
      console.log(`${first.status} then ${second.status} from ${second.headers['x-path']}`
        + ` with ${second.body.length} octets`);
    }
  },
  async pairings(uuid, secret, label) {
    const answer = await ask(`https://taas.example:${port}/pairings/${label}`,
      { Authorization: `TOTP username="${uuid}", response="${token(secret)}"` });
    const all = JSON.parse(answer.body);
    const words = new Set(all.map(({ responder, initiator, pathname }) =>
      `${responder} and ${initiator} for ${pathname}`.replace(/ \d+ (PUT|GET)/g, ' $1')));
    console.log(`${all.length} of ${[...words].join()}`);
  },
  async raw(name) {
    const answer = await ask(`https://${name}:${port}/raw`);
    console.log(`${answer.status} from ${answer.headers['x-path']}`);
  },
};
modes[what](...more).catch(error => { console.log(error); process.exitCode = 1; });
