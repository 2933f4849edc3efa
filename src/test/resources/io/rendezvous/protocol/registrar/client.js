// A client of the older kind. It sends so many octets, and compares what the hidden server says.
//   node client.js HOST PORT CA UUID OCTETS
const { createHash, randomBytes } = require('node:crypto');
const fs = require('node:fs'), https = require('node:https'), net = require('node:net');
const [host, port, ca, uuid, octets] = process.argv.slice(2);

https.get({ host, port, path: `/?uuid=${uuid}`, ca: fs.readFileSync(ca) }, answer => {
  let text = '';
  answer.on('data', some => text += some).on('end', () => {
    const { error, result } = JSON.parse(text);
    if (error) return console.log(`${answer.statusCode} ${error.permanent} ${error.diagnostic}`);
    meet(result);
  });
});

function meet(where) {
  const sent = randomBytes(+octets), hash = createHash('sha256').update(sent).digest('hex');
  const socket = net.connect({ host: where.host, port: where.port, allowHalfOpen: true });
  let heard = '';
  socket.on('connect', () => {
    socket.write(where.cookie + '\n'); // and what follows need not wait
    socket.end(sent);
  }).on('data', some => heard += some)
    .on('end', () => {
      if (heard === '-ERR not ready\n') return setTimeout(meet, 200, where);
      console.log(heard === '+OK\n' + hash ? 'whole' : heard);
    })
    .on('error', error => console.log(error.message));
}
