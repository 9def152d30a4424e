// The built server, started for one test run on loopback and ports of its own.

import { spawn } from 'node:child_process';
import { createHash, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import dgram from 'node:dgram';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import tls from 'node:tls';
import { fileURLToPath } from 'node:url';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '../../..');

export const binary = resolve(process.env.FAIRLEAD_BINARY ?? process.env.FAIRLEAD_BUILT ?? join(root, 'build/dev/fairlead'));

/** Everything that the tests configure. */
function configuration({ ports, folder }) {
  return `server:
  state-dir: ${folder}/state
listen:
  turn: [127.0.0.1:${ports.turn}]
  turn-tls: [127.0.0.1:${ports.turns}]
  http: [127.0.0.1:${ports.http}]
  https: [127.0.0.1:${ports.https}]
  admin: []
advertise:
  host: 127.0.0.1
relay:
  addresses: [127.0.0.1]
  ports: ${ports.relay}-${ports.relay + 199}
log:
  level: info
`;
}

export class Server {
  static async start() {
    if (!existsSync(binary)) throw new Error(`${binary} is not there: build it, or name another one in FAIRLEAD_BINARY`);
    const server = new Server();
    server.folder = mkdtempSync(join(tmpdir(), 'fairlead-browser-'));
    server.ports = await freePorts(['turn', 'turns', 'http', 'https']);
    server.ports.relay = 50_000 + Math.floor(Math.random() * 60) * 200;
    writeFileSync(join(server.folder, 'fairlead.yaml'), configuration(server));
    await server.run();
    return server;
  }

  get http() {
    return `http://localhost:${this.ports.http}`;
  }

  get https() {
    return `https://localhost:${this.ports.https}`;
  }

  get log() {
    return readFileSync(join(this.folder, 'log'), 'utf8');
  }

  /** Starts the process, also again after a stop: the same ports, the same certificate. */
  async run() {
    const log = openSync(join(this.folder, 'log'), 'a');
    this.process = spawn(binary, ['serve', '--dev', '--config', join(this.folder, 'fairlead.yaml')], { stdio: ['ignore', log, log] });
    const child = this.process;
    process.once('exit', () => child.kill('SIGKILL')); // whatever becomes of this run, nothing is left behind
    const died = once(this.process, 'exit').then(([code]) => {
      throw new Error(`the server ended with ${code}:\n${this.log}`);
    });
    died.catch(() => {});
    await Promise.race([died, this.answers()]);
  }

  async stop() {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return;
    const ended = once(this.process, 'exit');
    this.process.kill('SIGTERM');
    // A second signal ends what a drain would wait for.
    const impatience = setInterval(() => this.process.kill('SIGTERM'), 500);
    const last = setTimeout(() => this.process.kill('SIGKILL'), 5_000);
    await ended;
    clearInterval(impatience);
    clearTimeout(last);
  }

  async end() {
    await this.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** SHA-256 of the public key of its certificate, as Chromium's list of keys to trust wants it. */
  async keyHash() {
    const socket = tls.connect({ host: '127.0.0.1', port: this.ports.https, rejectUnauthorized: false });
    await once(socket, 'secureConnect');
    const certificate = new X509Certificate(socket.getPeerCertificate().raw);
    socket.destroy();
    return createHash('sha256').update(certificate.publicKey.export({ type: 'spki', format: 'der' })).digest('base64');
  }

  async answers() {
    for (let attempt = 0; attempt < 100; ++attempt) {
      try {
        const answer = await fetch(`${this.http}/`);
        if (answer.ok) return;
      } catch {
        // Not yet.
      }
      await new Promise((done) => setTimeout(done, 100));
    }
    throw new Error(`the server does not serve its first page:\n${this.log}`);
  }
}

/** Ports that are free for UDP and TCP, below the relay range. */
async function freePorts(names) {
  const ports = {};
  for (const name of names) {
    do ports[name] = 20_000 + Math.floor(Math.random() * 12_000);
    while (Object.entries(ports).some(([other, port]) => other !== name && port === ports[name]) || !(await isFree(ports[name])));
  }
  return ports;
}

async function isFree(port) {
  const listens = (socket, begin) =>
    new Promise((done) => {
      socket.once('error', () => done(false));
      begin(() => socket.close(() => done(true)));
    });
  const stream = net.createServer();
  const datagram = dgram.createSocket('udp4');
  return (await listens(stream, (then) => stream.listen(port, '127.0.0.1', then))) && (await listens(datagram, (then) => datagram.bind(port, '127.0.0.1', then)));
}
