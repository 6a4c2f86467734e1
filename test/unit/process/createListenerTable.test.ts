import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { parseProcNetTcp } from '../../../src/process/linux/procNetTcp.ts';
import { LsofListeners, parseLsofPorts } from '../../../src/process/otherSystems/lsofListeners.ts';
import { connectionScript, parseConnections, WindowsListeners } from '../../../src/process/otherSystems/windowsListeners.ts';
import { assertNames } from '../../names.ts';

const ports = new Set([8700, 3001]);

describe('parseProcNetTcp', () => {
  /** Captured on Linux 6.18, x86-64. */
  const text = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:21FC 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1234 1 0000000000000000 100 0 0 10 0
   1: 0100007F:A1B2 0100007F:21FC 01 00000000:00000000 00:00000000 00000000  1000        0 1235 1 0000000000000000 20 4 30 10 -1
   2: 0100007F:A1B3 0100007F:21FC 06 00000000:00000000 00:00000000 00000000     0        0 0 3 0000000000000000
garbage
`;
  it('reads addresses, ports, states and inodes', () => {
    assert.deepEqual(parseProcNetTcp(text), [
      { state: 'listening', localAddress: '127.0.0.1', localPort: 8700, remoteAddress: '0.0.0.0', remotePort: 0, inode: '1234' },
      { state: 'established', localAddress: '127.0.0.1', localPort: 41394, remoteAddress: '127.0.0.1', remotePort: 8700, inode: '1235' },
      { state: 'other', localAddress: '127.0.0.1', localPort: 41395, remoteAddress: '127.0.0.1', remotePort: 8700, inode: '0' },
    ]);
  });

  it('reads IPv6, and IPv4 in its clothes', () => {
    const line = (address: string): string => `   0: ${address}:21FC 00000000000000000000000000000000:0000 0A 0:0 00:0 0 0 0 77 1 0 100`;
    const read = (address: string) => parseProcNetTcp(line(address))[0]?.localAddress;
    assert.equal(read('00000000000000000000000001000000'), '::1');
    assert.equal(read('00000000000000000000000000000000'), '::');
    assert.equal(read('0000000000000000FFFF00000100007F'), '127.0.0.1');
    assert.equal(read('B80D0120000000000000000001000000'), '2001:db8:0:0:0:0:0:1');
  });

  it('reads the other byte order', () => {
    assert.equal(parseProcNetTcp('0: 7F000001:21FC 00000000:0000 0A 0 0 0 0 0 9', false)[0]?.localAddress, '127.0.0.1');
  });
});

describe('parseLsofPorts', () => {
  const text = [
    'p2242\nf3\nn127.0.0.1:8700\nTST=LISTEN\nTQR=0\nTQS=0',
    'f7\nn127.0.0.1:8700->127.0.0.1:51000\nTST=ESTABLISHED',
    'p2250\nf3\nn127.0.0.1:8700\nTST=LISTEN',
    'p3000\nf12\nn127.0.0.1:51000->127.0.0.1:8700\nTST=ESTABLISHED\nf13\nn192.168.1.5:51001->93.184.216.34:8700\nTST=ESTABLISHED',
    'p4000\nf9\nn*:3001\nTST=LISTEN\nf10\nn[::1]:3001\nTST=LISTEN\nf11\nn*:9999\nTST=LISTEN',
    'p5000\nf1\nnno port here\nTST=LISTEN\n',
  ].join('\n');

  it('joins the processes of one socket, and tells connections to this machine from others', () => {
    assert.deepEqual(parseLsofPorts(text, ports), {
      listeners: [
        { address: '127.0.0.1', port: 8700, pids: [2242, 2250] },
        { address: '0.0.0.0', port: 3001, pids: [4000] },
        { address: '::1', port: 3001, pids: [4000] },
      ],
      clients: [{ port: 8700, pid: 3000 }],
    });
  });

  it('gives no answer when lsof gives none, and asks nothing for no ports', async () => {
    const failing = new LsofListeners(async () => {
      throw new Error('lsof failed (1)');
    });
    assert.equal(await failing.read(ports), undefined);
    assert.deepEqual(await failing.read(new Set()), { listeners: [], clients: [] });
  });
});

describe('parseConnections', () => {
  const listening = { state: 2, local: '127.0.0.1', port: 8700, remote: '0.0.0.0', remotePort: 0, pid: 77 };
  const near = { state: 5, local: '127.0.0.1', port: 51000, remote: '127.0.0.1', remotePort: 8700, pid: 78 };
  const far = { state: 5, local: '192.168.1.5', port: 51001, remote: '93.184.216.34', remotePort: 8700, pid: 79 };
  const expected = { listeners: [{ port: 8700, address: '127.0.0.1', pids: [77] }], clients: [{ port: 8700, pid: 78 }] };

  it('reads the answer of PowerShell in each of its shapes', () => {
    assert.deepEqual(parseConnections(JSON.stringify({ connections: [listening, near, far] }), ports), expected);
    assert.deepEqual(parseConnections(`\uFEFF${JSON.stringify({ connections: { value: [listening, near], Count: 2 } })}`, ports), expected);
    assert.deepEqual(parseConnections(JSON.stringify({ connections: listening }), ports), { ...expected, clients: [] });
    assert.deepEqual(parseConnections('{"connections":[{"pid":"x"},null]}', ports), { listeners: [], clients: [] });
  });

  it('asks one query, by the full path of the shell, for these ports alone', async () => {
    const asked: string[] = [];
    const table = new WindowsListeners(
      async (file, args) => {
        asked.push(file, Buffer.from(args.at(-1) ?? '', 'base64').toString('utf16le'));
        return JSON.stringify({ connections: [listening, near] });
      },
      { SystemRoot: 'C:\\Windows' },
    );
    assert.deepEqual(await table.read(ports), expected);
    assert.deepEqual(asked, ['C:\\Windows\\System32\\WindowsPowerShell\\v1.0\\powershell.exe', connectionScript(ports)]);
    assertNames(connectionScript(ports), '$ports = @(8700,3001)');
  });

  it('is no answer where there is none', async () => {
    assert.equal(await new WindowsListeners(async () => 'Access denied').read(ports), undefined);
  });
});
