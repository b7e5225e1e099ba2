// What several journeys do.
import { readFileSync } from 'node:fs';
import { is, look } from './tap.mjs';

const env = process.env;

export async function login(b, name = env.STUDENT_LOGIN, password = env.STUDENT_PASSWORD) {
	await b.page.goto('/login');
	await b.page.locator('#login').fill(name);
	await b.page.locator('#password').fill(password);
	await b.page.locator('main button[type=submit]').click();
}
export async function add(b, name, platform) {
	await b.page.goto('/devices/new');
	await b.page.locator('#name').fill(name);
	await b.page.locator(`#platform-${platform}`).check();
	await b.page.locator('main button[type=submit]').click();
}
export async function saved(b, link) {
	const [download] = await Promise.all([b.page.waitForEvent('download'), link.click()]);
	return { name: download.suggestedFilename(), text: readFileSync(await download.path(), 'utf8') };
}
export async function clear(b) {
	for (;;) {
		await b.page.goto('/devices');
		const remove = b.page.getByRole('link', { name: /^Remove/ }).first();
		if (await remove.count() === 0) return;
		await remove.click();
		await b.page.locator('main button[type=submit]').click();
	}
}

// Whole sentences of the English catalogue: no page in another language may hold one.
const ENGLISH = readFileSync(new URL('../../onboard_portal/flow/text_en.txt', import.meta.url), 'utf8').split('\n')
	.filter((l) => !l.startsWith('#')).map((l) => l.split(' = ')[1]).filter((s) => s && s.includes(' ') && !s.includes('{{'));
export async function lookIn(b, name, language) {
	await look(b, `${name}-${language}`);
	is(`${name}, ${language}, ${b.kind}: its language`, await b.page.locator('html').evaluate((h) => `${h.lang} ${h.dir}`), `${language} ${language === 'ar' ? 'rtl' : 'ltr'}`);
	const words = new Set((await b.page.locator('body').innerText()).split('\n').map((l) => l.trim()));
	is(`${name}, ${language}, ${b.kind}: no English`, ENGLISH.filter((s) => words.has(s)).join('; '), '');
	is(`${name}, ${language}, ${b.kind}: commands, addresses and times from left to right`, await b.page.locator('pre, code, .code-field, .address').evaluateAll((all) => all.filter((e) => getComputedStyle(e).direction !== 'ltr').length), 0);
	// A time outside an isolate would be turned around by the letters beside it.
	is(`${name}, ${language}, ${b.kind}: each time by itself`, await b.page.locator('body').evaluate((body) => {
		const loose = [];
		const walk = document.createTreeWalker(body, NodeFilter.SHOW_TEXT);
		for (let n = walk.nextNode(); n; n = walk.nextNode()) {
			if (/\d{4}-\d{2}-\d{2}|\d{2}:\d{2}/.test(n.data) && !n.parentElement.closest('bdi, code, pre, svg, option, .ticket-days, .hint, a, .lead')) loose.push(n.data.trim());
		}
		return loose.join('; ');
	}), '');
}
export const lookRtl = (b, name) => lookIn(b, name, 'ar');
