// Results for tests/run, and a browser whose every page is looked at: axe-core, overflow, errors, a picture.
import { createRequire } from 'node:module';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';

const require = createRequire(join(process.env.BROWSER_MODULES, 'x.js'));
const { chromium } = require('playwright-core');
const axe = require('axe-core');

let count = Number(process.env.FIRST ?? 0), failed = 0; // FIRST: what the script has said before
const browsers = new Set();
const pictures = process.env.BROWSER_PICTURES;
mkdirSync(pictures, { recursive: true });

function line(good, text, why) {
	count++;
	if (!good) failed++;
	console.log(`${good ? 'ok' : 'not ok'} ${count} - ${text}`);
	if (!good && why) console.log(String(why).split('\n').map((l) => `# ${l}`).join('\n'));
}
export const ok = (text, good, why) => line(!!good, text, why);
export const is = (text, got, want) => line(got === want, text, `got:  ${got}\nwant: ${want}`);
export const like = (text, got, want) => line(want.test(got), text, `got:  ${got}\nwant: ${want}`);
export function done() {
	console.log(`1..${count}`);
	process.exitCode = failed ? 1 : 0;
}

// A journey that stumbles is one failure; the others go on. BROWSER_ONLY='in Arabic' walks only those of that name.
export async function journey(text, walk) {
	if (!text.includes(process.env.BROWSER_ONLY ?? '')) return;
	try {
		await walk();
	} catch (e) {
		line(false, `${text}: to its end`, e.stack || e);
	} finally {
		for (const b of browsers) await b.close().catch(() => {});
		browsers.clear();
	}
}

export const KINDS = {
	desktop: { viewport: { width: 1280, height: 800 } },
	phone: { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true, deviceScaleFactor: 2 },
	zoomed: { viewport: { width: 640, height: 400 } }, // 1280 x 800 at 200 %
	narrow: { viewport: { width: 320, height: 640 } }, // WCAG 1.4.10
	dark: { viewport: { width: 1280, height: 800 }, colorScheme: 'dark' },
	scripted: { viewport: { width: 1280, height: 800 }, javaScriptEnabled: true },
};

// Pages work without scripts, so all but "scripted" have none; axe runs by the debugging protocol all the same,
// in a second context that has them and shows the same page.
export async function open(kind, options = {}) {
	const browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: ['--no-sandbox'] });
	browsers.add(browser);
	const context = await browser.newContext({
		baseURL: process.env.PORTAL_URL, ignoreHTTPSErrors: true, javaScriptEnabled: false,
		acceptDownloads: true, ...KINDS[kind], ...options,
	});
	const page = await context.newPage();
	page.setDefaultTimeout(60000);
	// Chromium gives up what it loads when any interface of the machine comes or goes, as other tests make them do.
	const go = page.goto.bind(page);
	page.goto = (...to) => go(...to).catch((e) => (/ERR_NETWORK_CHANGED/.test(e.message) ? go(...to) : Promise.reject(e)));
	const wrong = [];
	page.on('pageerror', (e) => wrong.push(`error: ${e.message}`));
	page.on('console', (m) => m.type() === 'error' && !/status of (4|5)/.test(m.text()) && wrong.push(`console: ${m.text()}`));
	page.on('request', (r) => new URL(r.url()).origin === process.env.PORTAL_URL || r.url().startsWith('data:') || wrong.push(`asks elsewhere: ${r.url()}`));
	return { browser, context, page, kind, wrong };
}

async function findings(b) {
	const html = await b.page.content();
	if (!b.axe) {
		const context = await b.browser.newContext({ ...KINDS[b.kind], javaScriptEnabled: true, ignoreHTTPSErrors: true, bypassCSP: true });
		b.axe = await context.newPage();
		b.axe.setDefaultTimeout(60000);
		await b.axe.route('**/*', async (route) => {
			if (route.request().isNavigationRequest()) await route.fulfill({ contentType: 'text/html; charset=utf-8', body: b.html });
			else await route.continue();
		});
	}
	b.html = html;
	await b.axe.goto(b.page.url());
	await b.axe.evaluate(axe.source);
	const r = await b.axe.evaluate(() => window.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'], resultTypes: ['violations'] }));
	const wide = await b.axe.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
	return { violations: r.violations, wide };
}

// The page as it is now: a picture, nothing to scroll sideways, nothing that axe minds, one h1, nothing amiss so far.
export async function look(b, name) {
	await b.page.screenshot({ path: join(pictures, `${name}-${b.kind}.png`), fullPage: true });
	const { violations, wide } = await findings(b);
	is(`${name}, ${b.kind}: axe finds nothing`, violations.map((v) => `${v.id} (${v.nodes.map((n) => n.target).join(' ')})`).join('; '), '');
	ok(`${name}, ${b.kind}: nothing to scroll sideways`, wide <= 0, `${wide} pixels too wide`);
	is(`${name}, ${b.kind}: one heading`, await b.page.locator('h1').count(), 1);
	is(`${name}, ${b.kind}: nothing amiss`, b.wrong.splice(0).join('; '), '');
}
