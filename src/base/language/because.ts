type Tell = (parts: readonly string[], values: readonly (string | number)[]) => string;

let tell: Tell = (raw, values) => String.raw({ raw }, ...values);

/** Sets how reasons become texts; `setTexts` does so for the display language. */
export function tellReasons(how: Tell): void {
  tell = how;
}

/**
 * A reason for a person: the tag of a template, which `scripts/texts.ts` collects as the text of `t` with `{0}`, `{1}` … for its values. For code that the guard loads
 * at its start: the guard speaks English, and the tag costs it no more than the template.
 */
export function because(parts: TemplateStringsArray, ...values: readonly (string | number)[]): string {
  return tell(parts, values);
}
