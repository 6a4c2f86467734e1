/** Characters that JSON allows and a terminal obeys: DEL and C1 controls, invisible characters, direction marks, line separators. */
const terminalUnsafe = /[\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]|\udb40[\udc00-\udc7f]/g;

/** JSON text in which `terminalUnsafe` is escaped; the values stay the same. @param indent spaces per level; 0 = one line */
export function jsonText(value: unknown, indent = 0): string {
  return `${JSON.stringify(value, undefined, indent).replace(terminalUnsafe, escapeUnits)}\n`;
}

function escapeUnits(character: string): string {
  return [...Array(character.length).keys()].map((index) => `\\u${character.charCodeAt(index).toString(16).padStart(4, '0')}`).join('');
}
