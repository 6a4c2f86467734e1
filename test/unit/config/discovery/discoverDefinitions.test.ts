import { deepEqual, equal, ok } from 'node:assert/strict';
import { mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { clientById, clientTable } from '../../../../src/clients/clientTable.ts';
import { named, names, Tree } from '../tree.ts';

describe('discoverDefinitions', () => {
  let tree: Tree;
  beforeEach(() => {
    tree = new Tree();
  });
  afterEach(() => tree.remove());

  it('reads what the real clients wrote, and what the others document', async () => {
    tree.copy('captured/home', tree.home);
    tree.copy('captured/project', tree.project);
    tree.copy('written/home', tree.home);
    tree.copy('written/project', tree.project);
    tree.copy('opencode/home', tree.home);
    tree.copy('opencode/project', tree.project);
    tree.copy('addmcp/home', tree.home);
    tree.copy('handmade/home', tree.home);
    tree.copy('handmade/project', tree.project);
    tree.copy('plugins/home', tree.home);
    const reading = await tree.discover({ workspaceFiles: [join(tree.project, 'demo.code-workspace')] });
    deepEqual(reading.problems, []);
    const rows = reading.definitions.map(({ client, scope, name, transport, enabled }) =>
      [client, scope, name, transport, ...(enabled ? [] : ['off'])].join(' '),
    );
    deepEqual(rows.sort(), [
      'amazon-q project amazonq-project stdio',
      'amazon-q user amazonq-agent stdio',
      'amazon-q user amazonq-user stdio',
      'amp project wsone stdio',
      'amp user mem stdio',
      'amp user remote http',
      'antigravity project antigravity-project stdio',
      'antigravity user mem stdio',
      'antigravity user projmem stdio',
      'antigravity user remote http',
      'auggie project auglocal stdio',
      'auggie project augproj stdio',
      'auggie user mem stdio',
      'auggie user remote http',
      'augment user augment-user stdio',
      'claude-code local mem stdio',
      'claude-code project projone stdio',
      'claude-code user fromfile stdio',
      'claude-code user inline stdio',
      'claude-code user plugin-off stdio off',
      'claude-code user remote http',
      'claude-code user remotesse sse',
      'claude-code user userone stdio',
      'claude-desktop user filesystem stdio',
      'claude-desktop user mcpb-demo stdio',
      'cline user cline-in-cursor stdio',
      'cline user mem stdio',
      'cline user projmem stdio',
      'cline user remote http',
      'code-server user code-server-one stdio',
      'codex project projx stdio',
      'codex user codex-plugin stdio',
      'codex user ctx stdio',
      'codex user remote http',
      'continue project continue-pasted stdio',
      'continue project continue-project stdio',
      'continue user continue-remote http',
      'continue user continue-user stdio',
      'copilot-cli project ghone stdio',
      'copilot-cli user mem stdio off',
      'copilot-cli user remote http',
      'copilot-jetbrains user intellij-user stdio',
      'crush project crush-project stdio',
      'crush user crush-remote sse',
      'crush user crush-user stdio',
      'cursor project cursor-project stdio off',
      'cursor user cursor-plugin stdio',
      'cursor user cursor-remote http',
      'cursor user cursor-user stdio',
      'droid project droid-project stdio',
      'droid user droid-user stdio',
      'factory-bridge user bridge-user stdio',
      'fx user mem stdio',
      'fx user projmem stdio',
      'fx user remote http',
      'gemini project proj stdio',
      'gemini user gemini-extension stdio',
      'gemini user mem stdio',
      'gemini user remote http',
      'gemini user remotesse sse',
      'goose user mem stdio',
      'goose user projmem stdio',
      'goose user remote http',
      'grok project grok-project stdio',
      'grok user mem stdio',
      'grok user projmem stdio',
      'grok user remote http',
      'hermes user hermes-user stdio off',
      'jetbrains project jetbrains-project stdio',
      'jetbrains user jetbrains-user stdio',
      'junie project junie-project stdio',
      'junie user junie-user stdio',
      'kilo project kilo-project stdio',
      'kilo user mem stdio',
      'kilo user projmem stdio',
      'kilo user remote http',
      'kimi project kimi-project stdio',
      'kimi user mem stdio',
      'kimi user projmem stdio',
      'kimi user remote http',
      'kiro project kiro-agent stdio',
      'kiro project kiro-power stdio',
      'kiro project kiro-project stdio',
      'kiro user mem stdio',
      'kiro user projmem stdio',
      'kiro user remote http',
      'librechat project librechat-project stdio',
      'lm-studio user lmstudio-user stdio',
      'mastra project mastra-project stdio',
      'mastra user mem stdio',
      'mastra user projmem stdio',
      'mastra user remote http',
      'mcporter project mcporter-project stdio',
      'mcporter user mem stdio',
      'mcporter user projmem stdio',
      'mcporter user remote http',
      'mimo project mimo-project stdio',
      'mimo user mimo-user stdio',
      'openclaw user openclaw-user stdio',
      'opencode project in-dot-folder stdio',
      'opencode project in-project stdio',
      'opencode user both stdio',
      'opencode user dot-home stdio',
      'opencode user hosted http',
      'opencode user mem stdio',
      'opencode user off stdio off',
      'opencode user second-off http off',
      'opencode user second-version stdio',
      'pi project pi-project stdio',
      'pi user mem stdio',
      'pi user projmem stdio',
      'pi user remote http',
      'qwen user mem stdio',
      'qwen user proj stdio',
      'qwen user remote http',
      'qwen user remotesse sse',
      'roo project roo-project stdio',
      'roo user roo-user stdio off',
      'sema4 user sema4-user stdio',
      'tabnine project tabnine-project stdio',
      'tabnine user tabnine-user stdio',
      'tome user tome-user stdio',
      'trae project trae-project stdio',
      'trae user trae-user stdio',
      'vibe project vibe-project stdio',
      'vibe user vibe-remote http',
      'vibe user vibe-user stdio',
      'vscode profile profile-one stdio',
      'vscode user everything stdio',
      'vscode user from-settings stdio',
      'vscode user github http',
      'vscode user remote-one stdio',
      'vscode workspace folder-one stdio',
      'vscode workspace folder-socket http',
      'vscode workspace workspace-one stdio',
      'vscode-insiders user insiders-one stdio',
      'vscodium user codium-one stdio',
      'windsurf user mem stdio',
      'windsurf user projmem stdio',
      'windsurf user remote http',
      'witsy user witsy-user stdio',
      'zcode user zcode-user stdio',
      'zed project zed-off stdio off',
      'zed project zed-old stdio',
      'zed user mem stdio',
      'zed user projmem stdio',
      'zed user remote http',
    ]);
    const other = (await Promise.all((['darwin', 'win32'] as const).map((platform) => tree.discover({ platform })))).flatMap(
      ({ definitions }) => definitions.filter(({ client }) => clientById(client)?.systems !== undefined),
    );
    deepEqual(
      other.map(({ client, scope, name }) => [client, scope, name].join(' ')),
      [
        'copilot-xcode user xcode-user',
        'boltai user boltai-user',
        'enconvo user enconvo-user',
        'visual-studio project visual-studio-solution',
      ],
    );
    const withFiles = clientTable.filter((row) => row.files.some((files) => files.of === undefined)).map((row) => row.id);
    deepEqual(
      [...new Set([...reading.definitions, ...other].map(({ client }) => client))].sort(),
      withFiles.sort(),
      'each row of the table has a fixture',
    );
    equal(new Set(reading.definitions.map(({ id }) => id)).size, reading.definitions.length, 'ids are unique');
    for (const { id, name, file, line, readBy, client } of reading.definitions) {
      ok(/^[0-9a-f]{16}$/.test(id));
      ok(readFileSync(file, 'utf8').split('\n')[line - 1]?.includes(name), `${file}:${line} names ${name}`);
      equal(readBy[0], client);
      ok(reading.candidates().includes(file) && isAbsolute(file));
    }
    const again = await tree.discover({ workspaceFiles: [join(tree.project, 'demo.code-workspace')] });
    const plain = (one: typeof reading) => ({ ...one, looked: one.looked(), candidates: one.candidates() });
    deepEqual(plain(again), plain(reading), 'the same is found again, ids included');
  });

  it('keeps what an entry says, and what of it is secret', async () => {
    tree.copy('captured/home', tree.home);
    tree.copy('captured/project', tree.project);
    tree.copy('written/home', tree.home);
    tree.copy('written/project', tree.project);
    const reading = await tree.discover();
    const everything = named(reading, 'everything');
    deepEqual(everything.env, { RETRIES: '3', NO_COLOR: null, API_KEY: '${'.concat('input:key}') });
    deepEqual(everything.secrets, ['default-password-1']);
    equal(everything.command, 'npx');
    equal(everything.vscodeCollection, 'user');
    equal(everything.folder, undefined);
    deepEqual(named(reading, 'github').secrets, ['team-key-4711', 'default-password-1']);
    deepEqual(named(reading, 'cursor-user').secrets, ['url-key-0815']);
    deepEqual(named(reading, 'cursor-remote').secrets, ['header-key-0815']);
    const claude = reading.definitions.find(({ client, name }) => client === 'claude-code' && name === 'mem');
    deepEqual(claude?.secrets, ['s3cr3t-value-1234']);
    equal(claude?.folder, tree.project);
    const folder = named(reading, 'folder-one');
    equal(folder.vscodeCollection, 'folder');
    equal(folder.folder, tree.project);
    deepEqual(folder.readBy, ['vscode', 'vscode-insiders', 'vscodium', 'code-server', 'vscode-agent-host']);
    const dotMcp = named(reading, 'projone');
    deepEqual(dotMcp.readBy, [
      'claude-code',
      'vscode',
      'vscode-insiders',
      'vscodium',
      'code-server',
      'vscode-agent-host',
      'cursor',
      'qwen',
      'copilot-cli',
      'windsurf',
      'kimi',
    ]);
    equal(dotMcp.vscodeCollection, 'folder-dot-mcp');
    deepEqual(named(reading, 'profile-one').readBy, ['vscode', 'vscode-agent-host']);
  });

  it('looks in the directories above where the client does, up to the home directory', async () => {
    const server = { mcpServers: { one: { command: 'node' } } };
    for (const [at, name] of [
      ['home', 'in-home'],
      ['home/work', 'above'],
      ['home/work/project', 'here'],
      ['', 'outside'],
    ] as const) {
      const rename = (prefix: string): object => ({ mcpServers: { [`${prefix}-${name}`]: server.mcpServers.one } });
      tree.write(join(at, '.mcp.json'), rename('dot'));
      tree.write(join(at, '.gemini/settings.json'), rename('gemini'));
      tree.write(join(at, '.augment/settings.local.json'), rename('auggie'));
      tree.write(join(at, '.vscode/mcp.json'), { servers: { [`vscode-${name}`]: { command: 'node' } } });
    }
    const reading = await tree.discover();
    deepEqual(names(reading), [
      'auggie-above',
      'auggie-here',
      'dot-above',
      'dot-here',
      'dot-in-home',
      'gemini-here',
      'gemini-in-home',
      'vscode-here',
    ]);
    deepEqual(named(reading, 'dot-above').readBy, ['claude-code', 'copilot-cli', 'kimi'], 'VS Code and Cursor do not look there');
    equal(named(reading, 'dot-above').vscodeCollection, undefined);
    equal(named(reading, 'gemini-in-home').scope, 'user');
    equal(named(reading, 'dot-above').folder, join(tree.home, 'work'));
    const outside = await tree.discover({ folders: [join(tree.root)] });
    ok(names(outside).includes('dot-outside'));
  });

  it('reads a project of Codex only where Codex trusts it', async () => {
    tree.write('home/work/project/.codex/config.toml', '[mcp_servers.p]\ncommand = "node"\n');
    deepEqual(names(await tree.discover()), []);
    const config = (level: string, folder: string): string => `[projects."${folder}"]\ntrust_level = "${level}"\n`;
    tree.write('home/.codex/config.toml', config('trusted', join(tree.home, 'work')));
    deepEqual(names(await tree.discover()), ['p']);
    tree.write('home/.codex/config.toml', config('trusted', join(tree.home, 'work')) + config('untrusted', tree.project));
    deepEqual(names(await tree.discover()), []);
  });

  it('switches off what the client has switched off, in that project alone', async () => {
    tree.write('home/.claude.json', {
      mcpServers: { everywhere: { command: 'node' } },
      projects: {
        [tree.project]: {
          mcpServers: { local: { command: 'node' }, kept: { command: 'node' } },
          disabledMcpServers: ['local', 'everywhere'],
          disabledMcpjsonServers: ['shared'],
        },
      },
    });
    tree.write('home/work/project/.mcp.json', { mcpServers: { shared: { command: 'node' }, other: { command: 'node' } } });
    tree.write('home/srv/other/.mcp.json', { mcpServers: { shared: { command: 'node' } } });
    tree.write('home/work/project/.claude/settings.local.json', { disabledMcpjsonServers: ['other'] });
    tree.write('home/work/project/.gemini/settings.json', {
      mcpServers: { a: { command: 'node' }, b: { command: 'node' }, c: { command: 'node' } },
      mcp: { allowed: ['a', 'b'], excluded: ['b'] },
    });
    tree.write('home/.codex/config.toml', '[mcp_servers.x]\ncommand = "node"\nenabled = false\n');
    const reading = await tree.discover({ folders: [tree.project, join(tree.home, 'work', 'other')] });
    const off = reading.definitions.filter(({ enabled }) => !enabled);
    deepEqual(off.map(({ name, folder }) => `${name} ${folder ?? ''}`).sort(), [
      `b ${tree.project}`,
      `c ${tree.project}`,
      `local ${tree.project}`,
      `other ${tree.project}`,
      `shared ${tree.project}`,
      'x ',
    ]);
  });

  it('takes one file under two names for one', async () => {
    tree.write('home/dotfiles/mcp.json', { mcpServers: { once: { command: 'node' } } });
    mkdirSync(join(tree.home, '.cursor'));
    mkdirSync(join(tree.home, '.gemini'));
    symlinkSync('../dotfiles/mcp.json', join(tree.home, '.cursor', 'mcp.json'));
    symlinkSync('../dotfiles/mcp.json', join(tree.home, '.gemini', 'settings.json'));
    symlinkSync(tree.project, join(tree.home, 'link'));
    tree.write('home/work/project/.mcp.json', { mcpServers: { shared: { command: 'node' } } });
    const reading = await tree.discover({ folders: [join(tree.home, 'link'), tree.project] });
    deepEqual(names(reading), ['once', 'shared']);
    deepEqual(named(reading, 'once').readBy, ['cursor', 'gemini']);
    equal(named(reading, 'shared').folder, join(tree.home, 'link'), 'the folder as the window names it');
    const other = await tree.discover();
    equal(named(other, 'shared').id, named(reading, 'shared').id, 'ids do not depend on the name');
  });

  it('honours the variables of the clients', async () => {
    const at = (name: string): string => join(tree.root, 'elsewhere', name);
    const server = { mcpServers: { s: { command: 'node' } } };
    tree.write('elsewhere/claude/.claude.json', server);
    tree.write('elsewhere/codex/config.toml', '[mcp_servers.s]\ncommand = "node"\n');
    tree.write('elsewhere/codex/work.config.toml', '[mcp_servers.overlay]\ncommand = "node"\n');
    tree.write('elsewhere/copilot/mcp-config.json', server);
    tree.write('elsewhere/xdg/amp/settings.json', { 'amp.mcpServers': { s: { command: 'node' } } });
    tree.write('elsewhere/xdg/Code/User/mcp.json', { servers: { s: { command: 'node' } } });
    tree.write('elsewhere/portable/user-data/User/mcp.json', { servers: { portable: { command: 'node' } } });
    tree.write('elsewhere/extra/User/mcp.json', { servers: { extra: { command: 'node' } } });
    tree.write('home/.codex/config.toml', '[mcp_servers.unused]\ncommand = "node"\n');
    const env = {
      CLAUDE_CONFIG_DIR: at('claude'),
      CODEX_HOME: at('codex'),
      COPILOT_HOME: at('copilot'),
      XDG_CONFIG_HOME: at('xdg'),
      VSCODE_PORTABLE: at('portable'),
    };
    const reading = await tree.discover({ env, vscodeUserDirs: [at('extra/User')] });
    deepEqual(reading.definitions.map(({ client, name }) => `${client} ${name}`).sort(), [
      'amp s',
      'claude-code s',
      'codex overlay',
      'codex s',
      'copilot-cli s',
      'vscode extra',
      'vscode portable',
      'vscode s',
    ]);
    ok(named(reading, 'extra').readBy.includes('code-server'), 'the build that uses an unusual directory is unknown');
    deepEqual(names(await tree.discover({ env: { CODEX_HOME: 'relative', CLAUDE_CONFIG_DIR: '' } })), ['unused']);
  });

  it('finds the packaged Claude Desktop of Windows, and not what the classic one has left over', async () => {
    tree.copy('windows', tree.home);
    const env = { APPDATA: join(tree.home, 'AppData', 'Roaming'), LOCALAPPDATA: join(tree.home, 'AppData', 'Local') };
    const reading = await tree.discover({ platform: 'win32', env });
    deepEqual(names(reading), ['packaged', 'windows-one']);
    ok(reading.candidates().includes(join(tree.home, 'AppData', 'Local', 'Packages')), 'an installation is noticed');
    ok(reading.candidates().some((path) => path.endsWith(join('Roaming', 'Claude', 'claude_desktop_config.json'))));
    const classic = await tree.discover({ platform: 'win32', env: { ...env, LOCALAPPDATA: join(tree.home, 'none') } });
    deepEqual(names(classic), ['left-over', 'windows-one']);
    tree.write('home/Library/Application Support/Claude/claude_desktop_config.json', { mcpServers: { mac: { command: 'node' } } });
    deepEqual(names(await tree.discover({ platform: 'darwin' })), ['mac']);
  });

  it('learns project folders from the files of the clients', async () => {
    const folders = ['a', 'b', 'c', 'd', 'e'].map((name) => join(tree.home, 'learnt', name));
    for (const folder of folders) {
      mkdirSync(folder, { recursive: true });
    }
    const [a = '', b = '', c = '', d = '', e = ''] = folders;
    tree.write('home/.claude.json', { projects: { [a]: {}, [join(tree.home, 'gone')]: {}, relative: {}, '/': {} } });
    tree.write('home/.codex/config.toml', `[projects."${b}"]\ntrust_level = "untrusted"\n`);
    tree.write('home/.config/Code/User/workspaceStorage/1/workspace.json', { folder: `file://${c}` });
    tree.write('home/.config/Code/User/workspaceStorage/2/workspace.json', { folder: 'vscode-remote://ssh-remote%2Bhost/tmp' });
    tree.write('home/.config/Code/User/workspaceStorage/3/workspace.json', '{ broken');
    tree.write('home/.config/Code/User/workspaceStorage/4/workspace.json', {
      workspace: `file://${join(tree.home, 'all.code-workspace')}`,
    });
    tree.write('home/.vscode-server/data/User/workspaceStorage/1/workspace.json', { folder: `vscode-remote://ssh-remote%2Bhost${e}` });
    tree.write('home/all.code-workspace', { folders: [{ path: 'learnt/d' }], settings: { mcp: { servers: { w: { command: 'node' } } } } });
    tree.write('home/learnt/c/.vscode/mcp.json', { servers: { learnt: { command: 'node' } } });
    const reading = await tree.discover({ folders: [] });
    deepEqual([...reading.folders].sort(), [a, b, c, d, e]);
    deepEqual(names(reading), ['learnt', 'w']);
    deepEqual(reading.problems, []);
  });

  it('keeps to the 200 most recent folders', async () => {
    const projects: Record<string, object> = {};
    for (let index = 0; index < 250; index++) {
      const folder = join(tree.home, 'many', String(index));
      mkdirSync(folder, { recursive: true });
      projects[folder] = {};
    }
    tree.write('home/.claude.json', { projects });
    equal((await tree.discover({ folders: [] })).folders.length, 200);
  });

  it('tells a client without servers from one that is not on this machine', async () => {
    deepEqual((await tree.discover()).present, []);
    for (const folder of [
      '.codeium/windsurf',
      '.config/Code/User',
      '.config/Cursor',
      '.config/Code/User/globalStorage/saoudrizwan.claude-dev/settings',
    ]) {
      mkdirSync(join(tree.home, folder), { recursive: true });
    }
    tree.write('home/.claude.json', '{}');
    tree.write('home/.gemini/config/mcp_config.json', '{}');
    const reading = await tree.discover();
    deepEqual(names(reading), []);
    deepEqual([...reading.present].sort(), ['antigravity', 'claude-code', 'cline', 'cursor', 'vscode', 'windsurf']);
  });

  it('finds what is written in a folder of which it knew that nothing was there', async () => {
    const first = await tree.discover();
    const path = tree.write('home/work/project/.Junie/mcp/own.json', { mcpServers: { own: { command: 'node' } } });
    ok(
      first.candidates().some((candidate) => path.toLowerCase().startsWith(candidate.toLowerCase())),
      'the folder is watched',
    );
    tree.write('home/work/project/.junie/mcp/mine.json', { mcpServers: { mine: { command: 'node' } } });
    deepEqual(names(await tree.discover()), ['mine']);
  });

  it('names the directory in which new profiles appear', async () => {
    const reading = await tree.discover();
    ok(reading.candidates().includes(join(tree.home, '.config', 'Code', 'User', 'profiles')));
    ok(reading.candidates().every((path) => isAbsolute(path)));
  });
});
