import { window } from 'vscode';
import { withoutLinks } from './display/plainText.ts';

/** The buttons of a message: label and handler, in display order. */
export type Buttons = Readonly<Record<string, () => unknown>>;

const show = {
  info: window.showInformationMessage,
  warning: window.showWarningMessage,
  error: window.showErrorMessage,
} as const;

/**
 * Shows a message without waiting for the user to close it, so that a command ends when its work is done.
 * Links in the text are disabled, because it contains names from other programs' files.
 */
export function tell(severity: keyof typeof show, text: string, buttons: Buttons = {}): void {
  show[severity](withoutLinks(text, 900), ...Object.keys(buttons)).then(
    (choice) => choice !== undefined && buttons[choice]?.(),
    () => undefined, // The window is closing, or VS Code refuses dialogs in tests.
  );
}
