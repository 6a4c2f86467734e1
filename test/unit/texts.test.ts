import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'mocha';
import { readManifest } from '../../scripts/editor/stageExtension.ts';
import { readSources, type SourceFile } from '../../scripts/imports.ts';
import { projectRoot } from '../../scripts/system/projectPaths.ts';
import { bundleFile, bundleText, collectTexts } from '../../scripts/texts.ts';

const readAreas = /^(?:config|survey|diagnosis|presentation|extension)\//;
/** Their sentences are for the log, become a text of `t` where they are caught, or say why no registry is asked, which is not shown. */
const forOthers = /(?:\blog\.\w+\(|new SyntaxError\(|\bnever:|found\.push\(\[)\s*$/;

/** The literals of a file that read like a sentence (four words, of them two beside each other in lower case) and that no translator gets. */
function unmarked({ path, text }: SourceFile): readonly string[] {
  const code = text.replace(/^\s*(?:\/\/|\/?\*).*$/gm, '');
  // A literal of t() or msg() is passed over with what is inside it.
  const literals = /((?<![\w.])(?:t|msg)\(\s*)?(?:'((?:[^'\\\n]|\\.)*)'|`((?:[^`\\]|\\.)*)`)/g;
  return [...code.matchAll(literals)].flatMap(({ 1: marked, 2: plain, 3: template = plain ?? '', index }) => {
    const words = template.replaceAll(/\$\{[^}]*\}/g, 'X');
    const isSentence = words.split(' ').length >= 4 && /^["“]?\w.*\b[a-z]+ [a-z]+\b/.test(words) && !/[<>=]|;$|^X;/.test(words);
    const isMarked = marked !== undefined || template.includes('${t(') || template.includes('${translated(');
    return isSentence && !isMarked && !forOthers.test(code.slice(0, index)) ? [`src/${path}: ${template}`] : [];
  });
}

describe('The English bundle', () => {
  const files = readSources(projectRoot);
  const { texts, faults } = collectTexts(files);

  it('holds every text that the code translates, and no other (renewed by `node scripts/texts.ts`)', () => {
    assert.deepEqual(faults, []);
    assert.equal(readFileSync(bundleFile, 'utf8'), bundleText(texts));
    assert.equal((readManifest() as { readonly l10n?: string }).l10n, './l10n');
  });

  it('holds whole texts: none begins or ends as a part of another', () => {
    const parts = texts.filter((text) => text !== text.trim() || /^[,;.)]|[,;(]$/.test(text));
    assert.deepEqual(parts, []);
  });

  it('holds the sentences that a person reads: none stands in the code of the views, of the scan and of its verdicts without t() or msg()', () => {
    assert.deepEqual(files.filter(({ path }) => readAreas.test(path)).flatMap(unmarked), []);
    const of = (text: string) => unmarked({ path: 'extension/x.ts', text }).length;
    assert.deepEqual(
      [of("tell('The server has no entry.');"), of('f({ unknown: `its package ${name} is not found` });')],
      [1, 1],
      'control',
    );
    assert.deepEqual([of("tell(t('The server has no entry.'));"), of("log.warn('The server has no entry.');")], [0, 0]);
  });

  it('control: a new text, a text that is not literal, and one that is translated too early are found', () => {
    const of = (text: string) => collectTexts([{ path: 'extension/x.ts', text }]);
    assert.deepEqual(of(`f(t('It\\'s {0}.', name), msg("a 'b'"), x.t('c'), split('d'));`).texts, ["It's {0}.", "a 'b'"]);
    assert.equal(of('const f = () => t(`Stop ${name}`);').faults.length, 1);
    assert.equal(of("const f = () => t('Stop ' + name);").faults.length, 1);
    assert.equal(of('const f = () => t(name);').faults.length, 1);
    assert.deepEqual(of('// t(name) is not collected\nconst a = 1;').faults, []);
    assert.equal(of("const label = t('Stop');").faults.length, 1);
    assert.equal(of("const labels = {\n  stop: t('Stop'),\n};").faults.length, 1);
    assert.equal(of("const labels = {\n  stop: msg('Stop'),\n};\nconst f = (): string => t('Go');").faults.length, 0);
    const planted = collectTexts([...files, { path: 'extension/x.ts', text: "f(t('A text that the bundle lacks'));" }]);
    assert.notEqual(readFileSync(bundleFile, 'utf8'), bundleText(planted.texts));
  });
});
