/**
 * The README for the package. Pictures and linked pages stay in the repository, so a block (a paragraph or table) with a picture is left out, and a link to a
 * file becomes its text.
 */
export function packagedReadme(markdown: string): string {
  return markdown
    .split(/\n{2,}/)
    .filter((block) => !block.includes('!['))
    .join('\n\n')
    .replace(/\[([^\]]*)\]\((?![a-z]+:|#)[^)]*\)/g, '$1');
}
