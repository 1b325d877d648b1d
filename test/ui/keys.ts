import { expect, vi } from 'vitest';
import type { Workbench } from '../host/workbench';

/** What a user does with a window who has no mouse: keys of the page and nothing else. Locators only look and wait. */
export class Keys {
  constructor(private readonly window: Workbench) {}

  /** Presses keys one after the other. */
  async press(...keys: readonly string[]): Promise<void> {
    for (const key of keys) await this.window.page.keyboard.press(key);
  }

  async type(text: string): Promise<void> {
    await this.window.page.keyboard.type(text);
  }

  /** Opens a file of the workspace from the quick open list. */
  async openFile(name: string): Promise<void> {
    await this.press('Control+p');
    await this.choose(name);
    await this.window.page.locator('.tab.active', { hasText: name }).waitFor();
  }

  /** Runs a command by its title from the palette. */
  async command(title: string): Promise<void> {
    // Until the extension host is up its commands are missing from a palette that is already open.
    for (let attempt = 0; ; attempt++) {
      await this.press('F1');
      try {
        return await this.choose(title, attempt < 5 ? 4000 : 30_000);
      } catch (error) {
        if (attempt >= 5) throw error;
        await this.press('Escape');
      }
    }
  }

  /** Types into the open quick pick until an entry of this name is there, moves to it and takes it. */
  async choose(name: string, timeout = 60_000): Promise<void> {
    const { page } = this.window;
    const rows = page.locator('.quick-input-widget .monaco-list-row');
    await page.locator('.quick-input-widget input').first().waitFor();
    await this.type(name);
    const wanted = rows.filter({ has: page.getByText(name, { exact: true }) });
    await wanted.first().waitFor({ timeout });
    const nameOf = (label: string | null): string => label?.split(',', 1)[0] ?? '';
    await vi.waitFor(
      async () => {
        const focused = page.locator('.quick-input-widget .monaco-list-row.focused').first();
        const label = nameOf(await focused.getAttribute('aria-label', { timeout: 1000 }));
        if (label !== name) await this.press('ArrowDown');
        expect(label).toBe(name);
      },
      { timeout: 10_000, interval: 100 },
    );
    await this.press('Enter');
  }
}
