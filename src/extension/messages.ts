import { window } from 'vscode';
import { withoutLinks } from './display/plainText.ts';

/** What a press of a button in a message does, by its label, in the order of the buttons. */
export type Buttons = Readonly<Record<string, () => unknown>>;

const show = {
  info: window.showInformationMessage,
  warning: window.showWarningMessage,
  error: window.showErrorMessage,
} as const;

/**
 * Shows a message and does not wait for it to be closed: a command has ended when its work has, not when somebody has read about it.
 * Links in the text are taken apart, because names in it come from other people's files.
 */
export function tell(severity: keyof typeof show, text: string, buttons: Buttons = {}): void {
  show[severity](withoutLinks(text, 900), ...Object.keys(buttons)).then(
    (choice) => choice !== undefined && buttons[choice]?.(),
    () => undefined, // The window is closing, or dialogs are refused in tests: nobody reads it.
  );
}
