import { t } from '../../../base/language/translate.ts';
import { oneLine } from '../plainText.ts';
import type { DetailsPage } from './detailsPage.ts';

const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

/** A text of others as one line of HTML text or of a quoted attribute. */
function escaped(text: string, limit = 2_000): string {
  return oneLine(text, limit).replace(/[&<>"']/g, (character) => entities[character] ?? '');
}

/** The whole document. @param nonce allows the one style and the one script of the page; everything else is forbidden @param language of the texts, as VS Code names it */
export function detailsDocument(page: DetailsPage | undefined, nonce: string, language = 'en'): string {
  return `<!DOCTYPE html>
<html lang="${escaped(language)}">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'nonce-${nonce}'; script-src 'nonce-${nonce}'">
<meta name="viewport" content="width=device-width">
<style nonce="${nonce}">${style}</style>
</head>
<body>
<main>${detailsHtml(page)}</main>
<script nonce="${nonce}">${script}</script>
</body>
</html>`;
}

/** The content of `main`. @param page undefined: the server has ended */
export function detailsHtml(page: DetailsPage | undefined): string {
  if (!page) {
    return `<p class="verdict unknown">${escaped(t('This server is no longer running.'))}</p>`;
  }
  const { title, verdict, tone, buttons, versions, dependencies, times, processes, facts, evidence } = page;
  return [
    `<h1>${escaped(title, 120)}</h1>`,
    `<p class="verdict ${tone}">${escaped(verdict, 600)}</p>`,
    `<p class="buttons">${buttons.map(({ label, command }) => `<button id="${command}" data-command="${command}">${escaped(label)}</button>`).join('')}</p>`,
    section(t('Versions'), versions.length > 0 ? list(versions) : ''),
    section(t('Changed dependencies'), dependencies.length > 0 ? table(dependencies) : ''),
    section(t('Time line'), list(times)),
    section(t('Client and resources'), list(facts)),
    section(
      t('Processes'),
      `<ul>${processes.map(({ depth, text }) => `<li class="depth${Math.min(depth, 6)}">${escaped(text)}</li>`).join('')}</ul>`,
    ),
    `<h2>${escaped(t('Evidence'))}</h2>${evidence.map(({ heading, rows }, index) => `<details id="evidence${index}"><summary>${escaped(heading)}</summary>${list(rows)}</details>`).join('')}`,
  ].join('\n');
}

function section(heading: string, content: string): string {
  return content === '' ? '' : `<section><h2>${escaped(heading)}</h2>${content}</section>`;
}

/** A line without a name takes the whole width. */
function list(rows: readonly { readonly name: string; readonly text: string }[]): string {
  const lines = rows.map(({ name, text }) =>
    name === '' ? `<div><dd class="whole">${escaped(text)}</dd></div>` : `<div><dt>${escaped(name)}</dt><dd>${escaped(text)}</dd></div>`,
  );
  return `<dl>${lines.join('')}</dl>`;
}

function table(rows: DetailsPage['dependencies']): string {
  const lines = rows.map(
    ({ name, running, installed }) =>
      `<tr><th scope="row">${escaped(name)}</th><td>${escaped(running)}</td><td>${escaped(installed)}</td></tr>`,
  );
  const heads = [t('Package'), t('Running'), t('Installed')].map((head) => `<th scope="col">${escaped(head)}</th>`);
  return `<table><thead><tr>${heads.join('')}</tr></thead><tbody>${lines.join('')}</tbody></table>`;
}

/** Colours and fonts are those of the theme. */
const style = `
body { margin: 0; padding: 0 1.5em 2em; color: var(--vscode-foreground); background: var(--vscode-editor-background); font: var(--vscode-font-size, 13px)/1.5 var(--vscode-font-family, sans-serif); overflow-wrap: anywhere; }
main { max-width: 60em; }
h1 { margin: 1em 0 0.3em; font-size: 1.6em; font-weight: 600; }
h2 { margin: 1.6em 0 0.4em; font-size: 1.1em; font-weight: 600; }
.verdict { margin: 0 0 1em; padding: 0.5em 0.9em; border: 1px solid var(--vscode-contrastBorder, transparent); border-left: 4px solid var(--vscode-descriptionForeground); background: var(--vscode-textBlockQuote-background); }
.verdict.warning { border-left-color: var(--vscode-problemsWarningIcon-foreground); }
.verdict.good { border-left-color: var(--vscode-testing-iconPassed); }
.buttons { display: flex; flex-wrap: wrap; gap: 0.5em; margin: 0; }
button { padding: 0.35em 0.9em; border: 1px solid var(--vscode-button-secondaryBorder, var(--vscode-contrastBorder, transparent)); border-radius: 2px; font: inherit; color: var(--vscode-button-secondaryForeground); background: var(--vscode-button-secondaryBackground); cursor: pointer; }
button:hover { background: var(--vscode-button-secondaryHoverBackground); }
button:first-child { color: var(--vscode-button-foreground); background: var(--vscode-button-background); border-color: var(--vscode-button-border, var(--vscode-contrastBorder, transparent)); }
button:first-child:hover { background: var(--vscode-button-hoverBackground); }
:focus-visible { outline: 1px solid var(--vscode-focusBorder); outline-offset: 2px; }
dl { margin: 0; }
dl > div { display: grid; grid-template-columns: 12em 1fr; gap: 0 1em; padding: 0.1em 0; }
dt { color: var(--vscode-descriptionForeground); }
dd { margin: 0; font-variant-numeric: tabular-nums; }
dd.whole { grid-column: 1 / -1; }
table { border-collapse: collapse; }
th, td { padding: 0.15em 1.5em 0.15em 0; text-align: left; font-weight: normal; vertical-align: top; }
thead th { color: var(--vscode-descriptionForeground); }
ul { margin: 0; padding: 0; list-style: none; font-family: var(--vscode-editor-font-family, monospace); font-size: 0.95em; }
.depth1 { padding-left: 1.5em; } .depth2 { padding-left: 3em; } .depth3 { padding-left: 4.5em; } .depth4 { padding-left: 6em; } .depth5 { padding-left: 7.5em; } .depth6 { padding-left: 9em; }
summary { cursor: pointer; padding: 0.15em 0; }
details > dl { margin: 0.2em 0 0.8em 1.2em; }
@media (max-width: 480px) { body { padding: 0 0.8em 1em; } dl > div { grid-template-columns: 1fr; padding: 0.25em 0; } .depth1, .depth2, .depth3, .depth4, .depth5, .depth6 { padding-left: 1em; } details > dl { margin-left: 0; } }
`;

/** Sends the commands of buttons, and takes new content; what is unfolded stays unfolded, and the focus where it is. */
const script = `
const api = acquireVsCodeApi();
const main = document.querySelector('main');
addEventListener('click', ({ target }) => {
  const button = target.closest('button');
  if (button) api.postMessage(button.dataset.command);
});
addEventListener('message', ({ data }) => {
  const open = [...main.querySelectorAll('details[open]')].map(({ id }) => id);
  const focused = document.activeElement?.closest('[id]')?.id;
  main.innerHTML = data;
  for (const id of open) document.getElementById(id)?.setAttribute('open', '');
  if (focused) document.getElementById(focused)?.focus();
});
`;
