import { deepEqual, equal, match } from 'node:assert/strict';
import { renameSync, rmSync } from 'node:fs';
import { afterEach, beforeEach, describe, it } from 'mocha';
import type { PackageRef } from '../../../src/model/package.ts';
import { identifyPackage } from '../../../src/package/identifyPackage.ts';
import { readClosure } from '../../../src/package/readClosure.ts';
import { rowOf } from '../../process/package/observe.ts';
import { detailOf, TempTree } from './tree.ts';

/** Layouts by the documentation, made by hand: there is no .NET here. */
describe('a .NET tool', () => {
  let tree: TempTree;
  const inStore = (version: string): string => `.dotnet/tools/.store/my.mcp/${version}/my.mcp/${version}/tools/net8.0/any`;
  const inCache = 'packages/other.mcp/2.1.0';
  const install = (version: string): TempTree =>
    tree.write({
      [`${inStore(version)}/My.Mcp.dll`]: '',
      [`${inStore(version)}/DotnetToolSettings.xml`]:
        '<DotNetCliTool Version="1"><Commands><Command Name="my-mcp" EntryPoint="My.Mcp.dll" Runner="dotnet" /></Commands></DotNetCliTool>',
    });
  beforeEach(() => {
    tree = new TempTree().write({
      '.dotnet/tools/my-mcp': '',
      [`${inCache}/other.mcp.nuspec`]: '',
      [`${inCache}/tools/net10.0/any/Other.dll`]: '',
      'work/lib/1.0.0/tools/net8.0/any/Mine.dll': '',
    });
    install('1.0.0');
  });
  afterEach(() => tree.remove());

  function found(argv: readonly string[], exe: string): PackageRef | undefined {
    const identified = identifyPackage(rowOf(argv), detailOf({ exe, cwd: '/' }));
    return 'ref' in identified ? identified.ref : undefined;
  }
  const read = (ref: PackageRef | undefined): string => {
    const reading = ref && readClosure(ref);
    return reading?.status === 'ok'
      ? reading.packages.map(({ name, version }) => `${name} ${version}`).join()
      : (reading?.status ?? 'none');
  };

  it('is known by its versioned path in the store or in NuGet’s folder, and by the program beside its store', () => {
    const dll = tree.path(inStore('1.0.0'), 'My.Mcp.dll');
    const cached = tree.path(inCache, 'tools/net10.0/any/Other.dll');
    for (const [argv, exe, what] of [
      [['dotnet', dll, 'stdio'], '/usr/bin/dotnet', 'my.mcp 1.0.0'],
      [['dotnet', 'exec', cached], '/usr/bin/dotnet', 'other.mcp 2.1.0'],
      [[cached], cached, 'other.mcp 2.1.0'],
      [['my-mcp'], tree.path('.dotnet/tools/my-mcp'), 'my.mcp 1.0.0'],
      [['dotnet', tree.path('work/lib/1.0.0/tools/net8.0/any/Mine.dll')], '/usr/bin/dotnet', 'none'],
      [['other'], tree.path('.dotnet/tools/other'), 'none'],
    ] as const) {
      equal(read(found(argv, exe)), what, argv.join(' '));
    }
  });

  it('is gone with its version’s directory, and another version beside the same program', () => {
    const byPath = found(['dotnet', tree.path(inStore('1.0.0'), 'My.Mcp.dll')], '/usr/bin/dotnet');
    const byProgram = found(['my-mcp'], tree.path('.dotnet/tools/my-mcp'));
    install('1.1.0');
    equal(read(byPath), 'my.mcp 1.0.0');
    const between = byProgram && readClosure(byProgram);
    match(between?.status === 'unreadable' ? between.reason : '', /holds 2 versions/);
    rmSync(tree.path('.dotnet/tools/.store/my.mcp/1.0.0'), { recursive: true });
    deepEqual([read(byPath), read(byProgram)], ['gone', 'my.mcp 1.1.0']);
    renameSync(tree.path('.dotnet/tools/.store'), tree.path('.dotnet/tools/elsewhere'));
    equal(read(byProgram), 'gone');
  });
});
