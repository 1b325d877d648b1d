import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { chromium, type Browser, type FrameLocator, type Locator, type Page } from 'playwright-core';
import type { DrawnCurves } from '../../webview/curves/panel';
import { installChromium, installHost } from './install.mjs';
import { BROWSER_ARGUMENTS, extensionPath, isolated, startServer, workbenchUrl, type Server } from './server.mjs';
import { makeWorkspace, stopRuns } from './workspace.mjs';

export const THEMES = {
  dark: 'Default Dark Modern',
  light: 'Default Light Modern',
  'high-contrast': 'Default High Contrast',
} as const;
export type Theme = keyof typeof THEMES;

/** The class that the workbench has under a theme. */
export const BASES: Record<Theme, string> = { dark: 'vs-dark', light: 'vs', 'high-contrast': 'hc-black' };

export const repository = join(import.meta.dirname, '..', '..');

export interface WorkbenchOptions {
  /** A folder of the repo that is copied for this window. */
  fixture?: string;
  theme?: Theme;
  /** Restricted mode when false. */
  trusted?: boolean;
  settings?: Record<string, unknown>;
  /** Called with the copy before the window opens. */
  prepare?: (folder: string) => void;
}

/**
 * A window of the real VS Code on a throw-away copy of a workspace, with our extension loaded from its folder.
 * `close` ends the browser, the server, every trainer of the workspace, and removes the folders.
 */
export class Workbench {
  /** Lines that any frame wrote to the console. */
  readonly console: string[] = [];
  /** Addresses that any frame asked for. */
  readonly requests: string[] = [];

  private constructor(
    readonly page: Page,
    readonly folder: string,
    private readonly own: string,
    private readonly server: Server,
    private readonly browser: Browser,
  ) {}

  static async open(options: WorkbenchOptions = {}): Promise<Workbench> {
    const { theme = 'dark', trusted = true, settings = {} } = options;
    const own = mkdtempSync(join(tmpdir(), 'alignment-lab-ui-'));
    const folder = makeWorkspace(join(own, basename(options.fixture ?? 'workspace')), options.fixture);
    options.prepare?.(folder);
    const data = join(own, 'server');
    const machine = machineSettings(own);
    mkdirSync(dirname(machine), { recursive: true });
    writeFileSync(
      machine,
      JSON.stringify({
        'workbench.colorTheme': THEMES[theme],
        'window.autoDetectColorScheme': false,
        'workbench.startupEditor': 'none',
        'workbench.secondarySideBar.defaultVisibility': 'hidden',
        'workbench.tips.enabled': false,
        'editor.minimap.enabled': false,
        'editor.cursorBlinking': 'solid',
        'editor.stickyScroll.enabled': false,
        'chat.disableAIFeatures': true,
        'security.workspace.trust.enabled': !trusted,
        'security.workspace.trust.startupPrompt': 'never',
        ...settings,
      }),
    );
    const executablePath = installChromium();
    const host = installHost();
    const env = isolated(own);
    const server = await startServer({ host, data, extensions: join(own, 'extensions'), trusted, env });
    let browser: Browser | undefined;
    try {
      browser = await chromium.launch({ executablePath, headless: true, args: BROWSER_ARGUMENTS });
      const context = await browser.newContext({
        viewport: { width: 1280, height: 800 },
        deviceScaleFactor: 2,
        reducedMotion: 'reduce',
        colorScheme: theme === 'light' ? 'light' : 'dark',
      });
      const page = await context.newPage();
      // Generous: a machine that does other work beside is slow, not broken.
      page.setDefaultTimeout(60_000);
      page.setDefaultNavigationTimeout(90_000);
      const extension = extensionPath({ host, extension: repository, own });
      const url = workbenchUrl({ port: server.port, folder, extension });
      const workbench = new Workbench(page, folder, own, server, browser);
      page.on('console', (message) => workbench.console.push(message.text()));
      page.on('request', (request) => workbench.requests.push(request.url()));
      await page.goto(url);
      await page.locator('.monaco-workbench').waitFor();
      return workbench;
    } catch (error) {
      await browser?.close();
      await server.stop();
      rmSync(own, { recursive: true, force: true, maxRetries: 5 });
      throw error;
    }
  }

  /** Opens a file of the workspace's top folder from the explorer, in a tab that stays. */
  async openFile(name: string): Promise<void> {
    const row = this.page.locator('.explorer-viewlet .monaco-list-row', { hasText: name }).first();
    await row.dblclick();
    await this.page.locator('.tab', { hasText: name }).first().waitFor();
    await this.page.locator('.monaco-editor .view-line').first().waitFor();
  }

  /** The lens with this text, in the order of the file. */
  lens(text: string | RegExp): Locator {
    return this.page.locator('.codelens-decoration a', { hasText: text });
  }

  /** Clicks the lens with this text over a stage of align.yaml, wherever in the file the stage stands. */
  async clickLensOver(stage: string, text: string): Promise<void> {
    const rows = this.read('align.yaml').split('\n');
    const number = rows.findIndex((row) => row.trimEnd() === `  ${stage}:`) + 1;
    await this.page.keyboard.press('F1');
    await this.page.locator('.quick-input-widget input').first().fill(`:${number}`);
    await this.page.keyboard.press('Enter');
    const line = this.page
      .locator('.monaco-editor .view-line')
      .filter({ hasText: new RegExp(`^\\s*${stage}:`) })
      .first();
    const widgets = this.page.locator('.codelens-decoration', { hasText: text });
    // Widgets of lenses stand in the page in no order, and move until all have come: the stage's is right above its line.
    for (let attempt = 0; attempt < 200; attempt++) {
      const top = (await line.boundingBox())?.y ?? NaN;
      for (const widget of await widgets.all()) {
        const box = await widget.boundingBox();
        if (!box || Math.abs(box.y + box.height - top) > 4) continue;
        await widget.locator('a', { hasText: text }).first().click();
        return;
      }
      await this.page.waitForTimeout(200);
    }
    throw new Error(`There is no lens "${text}" over ${stage}.`);
  }

  /** What the charts of the curves panel hold now, read from the charts. */
  async curves(): Promise<DrawnCurves> {
    const body = this.panel().locator('body[data-ready]');
    return body.evaluate(() => window.__curves?.() ?? { runs: [], series: {} });
  }

  /** Runs a command by its title, as a user does from the palette. */
  async command(title: string): Promise<void> {
    const input = this.page.locator('.quick-input-widget input').first();
    const row = this.page.locator('.quick-input-list .monaco-list-row', { hasText: title }).first();
    for (let attempt = 0; ; attempt++) {
      await this.page.keyboard.press('F1');
      await input.waitFor();
      await input.fill(`>${title}`);
      // Until the extension host is up its commands are missing from a palette that is already open.
      const found = await row.waitFor({ timeout: attempt < 10 ? 3000 : 30_000 }).then(
        () => true,
        () => false,
      );
      if (found) break;
      if (attempt >= 10) throw new Error(`The palette has no command "${title}".`);
      await this.page.keyboard.press('Escape');
    }
    await this.page.keyboard.press('Enter');
  }

  /** Changes the theme as the setting does, and waits until the window and its panels wear it. */
  async useTheme(theme: Theme): Promise<void> {
    const file = machineSettings(this.own);
    const settings: unknown = JSON.parse(readFileSync(file, 'utf8'));
    if (typeof settings !== 'object') throw new Error('no settings');
    writeFileSync(file, JSON.stringify({ ...settings, 'workbench.colorTheme': THEMES[theme] }));
    await this.page.locator(`.monaco-workbench.${BASES[theme]}`).waitFor();
    // Panels hear of it a moment later, and draw anew.
    await this.page.waitForTimeout(1000);
  }

  /** The inside of a webview panel in the editor area. */
  panel(): FrameLocator {
    return this.page
      .frameLocator('iframe.webview.ready:not([src*="purpose=webviewView"])')
      .frameLocator('iframe#active-frame');
  }

  /** The inside of a webview view in a side bar. */
  view(): FrameLocator {
    return this.page
      .frameLocator('iframe.webview.ready[src*="purpose=webviewView"]')
      .frameLocator('iframe#active-frame');
  }

  statusBarItem(text: string | RegExp): Locator {
    return this.page.locator('.statusbar-item', { hasText: text });
  }

  treeRow(text: string | RegExp): Locator {
    return this.page.locator('.pane-body .monaco-list-row', { hasText: text });
  }

  async openActivity(title: string): Promise<void> {
    await this.page.locator(`.activitybar .action-item a[aria-label^="${title}"]`).first().click();
  }

  /** Texts in the notification centre. */
  async notifications(): Promise<string[]> {
    const bell = this.page.locator('.statusbar-item#status\\.notifications');
    await bell.click();
    const center = this.page.locator('.notifications-center');
    await center.waitFor();
    const texts = await center.locator('.notification-list-item').allInnerTexts();
    await bell.click();
    return texts;
  }

  /** Reloads the window as a user does: the extension host ends and starts anew, editors come back. */
  async reload(): Promise<void> {
    await this.page.evaluate(() => document.body.setAttribute('data-before-reload', ''));
    await this.command('Developer: Reload Window');
    await this.page.locator('body:not([data-before-reload]) .monaco-workbench').waitFor();
  }

  /** Text of a file in the workspace. */
  read(...path: string[]): string {
    return readFileSync(join(this.folder, ...path), 'utf8');
  }

  /** Saves a picture under test-results/, or under media/screenshots/ when ALIGN_SCREENSHOTS=1 asks for new ones. */
  async screenshot(name: string): Promise<string> {
    const wanted = process.env['ALIGN_SCREENSHOTS'] === '1';
    return this.picture(wanted ? join('media', 'screenshots') : join('test-results', 'screenshots'), name);
  }

  /** Saves what a failed test saw last. */
  async failure(test: string): Promise<string> {
    return this.picture(join('test-results', 'failures'), test.replace(/\W+/g, '-').slice(0, 80));
  }

  private async picture(folder: string, name: string): Promise<string> {
    const path = join(repository, folder, `${name}.png`);
    mkdirSync(dirname(path), { recursive: true });
    await this.page.screenshot({ path });
    return path;
  }

  async close(): Promise<void> {
    await this.browser.close().catch(() => undefined);
    await this.server.stop();
    stopRuns(this.folder);
    rmSync(this.own, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  }
}

function machineSettings(own: string): string {
  return join(own, 'server', 'data', 'Machine', 'settings.json');
}
