// Guests, Android phones, devices that were on the network, and the help desk in every language. Run by network.sh.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { done, is, journey, like, look, ok, open } from './tap.mjs';
import { add, login, lookIn, lookRtl, saved } from './walk.mjs';

const env = process.env;
const day = (n) => new Date(Date.now() + n * 86400e3).toISOString().slice(0, 10);
const submit = (b) => b.page.locator('main button[type=submit]').first().click();

for (const kind of ['phone', 'dark']) {
	await journey(`does it work, ${kind}`, async () => {
		const b = await open(kind);
		await login(b);
		for (const [name, want] of [['Only a code', /waiting for your device/i], ['With a certificate', /has its certificate/i], ['Refused once', /user_held/], ['On the network', /It works/]]) {
			await b.page.goto('/devices');
			await b.page.getByRole('link', { name: new RegExp(`^Does it work\\? ${name}$`) }).click();
			like(`${name}, ${kind}: the page says so`, await b.page.locator('main').innerText(), want);
			await look(b, `proof-${name.toLowerCase().replaceAll(' ', '-')}`);
		}
		if (kind === 'phone') {
			const file = await saved(b, b.page.locator('main a[href$=".ics"]'));
			like('the end for a calendar: a file', file.name, /\.ics$/);
			like('the end for a calendar: of this device', file.text, /SUMMARY:.*On the network/);
		}
		await b.page.goto('/devices');
		await look(b, 'devices-several');
		await b.browser.close();
	});
}

await journey('does it work, with scripts', async () => {
	const b = await open('scripted');
	await login(b);
	await b.page.getByRole('link', { name: 'Does it work? Only a code' }).click();
	await b.page.waitForURL(/\?n=1$/);
	ok('the page looks again by itself', true);
	await b.page.getByRole('link', { name: 'Stop' }).or(b.page.locator('main a[href$="n=60"]')).first().click();
	ok('until it is told to stop', await b.page.locator('main a.button.second').isVisible());
	await b.browser.close();
});

for (const kind of ['phone', 'narrow']) {
	await journey(`an Android phone, ${kind}`, async () => {
		const b = await open(kind, { userAgent: 'Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0 Mobile Safari/537.36' });
		await login(b);
		await b.page.goto('/devices/new');
		ok(`Android is chosen already, ${kind}`, await b.page.locator('#platform-android').isChecked());
		await look(b, 'new-android');
		await add(b, `Pixel ${kind}`, 'android');
		like(`it says who makes the key, ${kind}`, await b.page.locator('main').innerText(), /made by our server/);
		await look(b, 'setup-android');
		const at = b.page.url();
		if (kind === 'phone') {
			const file = await saved(b, b.page.locator('main a[href$=".p12"]'));
			like('Android: the file', file.name, /\.p12$/);
			await b.page.goto(at);
			is('Android: only once', await b.page.locator('main a[href$=".p12"]').count(), 0);
			await look(b, 'setup-android-again');
		}
		await b.page.goto('/devices');
		await b.page.getByRole('link', { name: `Remove: Pixel ${kind}` }).click();
		await submit(b);
		await b.browser.close();
	});
}

// A sponsor makes a voucher, a guest uses it, the sponsor ends it.
for (const kind of ['desktop', 'narrow']) {
	await journey(`a guest, ${kind}`, async () => {
		const b = await open(kind);
		await login(b, env.SPONSOR_LOGIN, env.SPONSOR_PASSWORD);
		await b.page.locator('a[href="/vouchers"]').first().click();
		await look(b, 'vouchers-none');
		await submit(b);
		ok(`an empty voucher, ${kind}: says what is missing`, await b.page.getByRole('alert').isVisible());
		await look(b, 'vouchers-empty');
		await b.page.locator('#names').fill(`Grace ${kind}\nŁukasz <b>O'Brien</b>`.replaceAll(/<\/?b>/g, ''));
		await b.page.locator('#reason').fill('Open day of the faculty');
		await b.page.locator('#until').fill(day(3));
		await b.page.locator('#devices').selectOption('2');
		await submit(b);
		is(`a sheet to print, ${kind}: two tickets`, await b.page.locator('.ticket').count(), 2);
		await look(b, 'voucher-sheet');
		const code = await b.page.locator('.ticket-code code').first().innerText();
		like(`its code, ${kind}`, code, /^[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4}$/);
		if (kind === 'desktop') {
			await b.page.emulateMedia({ media: 'print' });
			ok('printed: no head, no menu', !await b.page.locator('header').first().isVisible());
			await b.page.screenshot({ path: `${env.BROWSER_PICTURES}/voucher-sheet-print.png`, fullPage: true });
			await b.page.emulateMedia({ media: 'screen' });
		}

		const g = await open(kind);
		await g.page.goto('/login');
		await g.page.locator('main a[href="/v"]').click();
		await look(g, 'guest');
		await g.page.locator('#code').fill('short');
		await submit(g);
		ok(`half a code, ${kind}: says so`, await g.page.getByRole('alert').isVisible());
		await look(g, 'guest-wrong');
		await g.page.goto(`/v/${code}`);
		is(`a scanned picture fills in the code, ${kind}`, await g.page.locator('#code').inputValue(), code);
		await submit(g);
		like(`a guest is in, ${kind}`, g.page.url(), /\/devices$/);
		await look(g, 'guest-devices');
		await add(g, 'Own laptop', 'linux');
		like(`and sets up a device, ${kind}`, g.page.url(), /\/e\/[\w-]{20,}$/);
		await g.page.goto('/devices');
		like(`a guest's devices, ${kind}: as many as the voucher says`, await g.page.locator('.count').innerText(), /1 of 2/);
		await look(g, 'guest-device');

		await b.page.goto('/vouchers');
		await look(b, 'vouchers');
		await b.page.locator('.voucher-row', { hasText: `Grace ${kind}` }).locator('summary').click();
		await look(b, 'voucher-end');
		await b.page.locator('.voucher-row', { hasText: `Grace ${kind}` }).locator('button').click();
		ok(`a voucher is ended, ${kind}`, await b.page.getByRole('status').isVisible());
		const again = await open(kind);
		await again.page.goto(`/v/${code}`);
		await submit(again);
		ok(`its code opens nothing any more, ${kind}`, await again.page.getByRole('alert').isVisible());
		await look(again, 'guest-over');
		await b.browser.close();
	});
}

await journey('a guest by keyboard alone', async () => {
	const b = await open('desktop');
	await b.page.goto('/v');
	for (let i = 0; i < 20 && await b.page.locator('#code:focus').count() === 0; i++) await b.page.keyboard.press('Tab');
	await b.page.keyboard.type('AAAA-BBBB-CCCC');
	await b.page.keyboard.press('Enter');
	await b.page.locator('[role=alert]').waitFor();
	ok('a guest by keyboard: the code is tried', await b.page.getByRole('alert').isVisible());
	await b.browser.close();
});

// The help desk in each language; from right to left at three sizes.
for (const [locale, kind] of [['de-AT', 'desktop'], ['fr-FR', 'desktop'], ['es-ES', 'desktop'], ['zh-CN', 'desktop'], ['ar-EG', 'desktop'], ['ar-EG', 'narrow']]) {
	const language = locale.slice(0, 2);
	await journey(`the help desk in ${language}, ${kind}`, async () => {
		const b = await open(kind, { locale });
		await login(b, env.DESK_LOGIN, env.DESK_PASSWORD);
		await b.page.goto('/console');
		await lookIn(b, 'console', language);
		await b.page.locator('input[name=q]').fill(env.STUDENT_LOGIN);
		await submit(b);
		if (!/\/console\/person\//.test(b.page.url())) await b.page.locator('main a[href*="/console/person/"]').first().click();
		await lookIn(b, 'console-person', language);
		const person = b.page.url();
		const story = await b.page.locator('article a[href*="/story?"]').first().getAttribute('href');
		const pages = [['console-story', story], ['console-overview', '/console/overview'], ['console-hold', `${person}/hold`], ['console-code', `${person}/code`], ['console-vouchers', '/console/vouchers']];
		for (const [name, at] of pages.slice(0, language === 'ar' ? 5 : 2)) {
			await b.page.goto(at);
			await lookIn(b, name, language);
		}
		await b.browser.close();
	});
}

for (const kind of ['phone']) {
	await journey(`guests and devices in Arabic, ${kind}`, async () => {
		const b = await open(kind, { locale: 'ar-EG' });
		await login(b);
		await lookRtl(b, 'devices-several');
		const at = await b.page.locator('main a[href^="/devices/d"]:not([href*="/re"])').evaluateAll((all) => all.map((a) => a.getAttribute('href')));
		for (const href of at.slice(0, 4)) {
			await b.page.goto(href);
			await lookRtl(b, `proof-${at.indexOf(href)}`);
		}
		const s = await open(kind, { locale: 'ar-EG' });
		await login(s, env.SPONSOR_LOGIN, env.SPONSOR_PASSWORD);
		await s.page.goto('/vouchers');
		await lookRtl(s, 'vouchers');
		await s.page.locator('#names').fill('سارة Smith');
		await s.page.locator('#reason').fill('يوم مفتوح');
		await s.page.locator('#until').fill(day(2));
		await submit(s);
		await lookRtl(s, 'voucher-sheet');
		const g = await open(kind, { locale: 'ar-EG' });
		await g.page.goto('/v');
		await lookRtl(g, 'guest');
		await b.browser.close();
	});
}

// The question of a geteduroam app: in a browser of the device, with an answer that goes to the app.
const app = (port) => new URLSearchParams({
	client_id: 'app.geteduroam.sh', code_challenge: createHash('sha256').update('a'.repeat(43)).digest('base64url'), code_challenge_method: 'S256',
	redirect_uri: `http://127.0.0.1:${port}/`, response_type: 'code', scope: 'eap-metadata', state: 'of this run',
});
for (const [kind, locale] of [['phone', 'en-GB'], ['narrow', 'en-GB'], ['dark', 'en-GB'], ['phone', 'ar-EG']]) {
	await journey(`an app asks, ${kind}, ${locale}`, async () => {
		const b = await open(kind, { locale });
		const listener = createServer((q, r) => r.end('back in the app')).listen(0, '127.0.0.1').unref();
		await once(listener, 'listening');
		const { port } = listener.address();
		const answer = () => new URL(b.page.url()).searchParams;
		await login(b);
		await b.page.goto(`/oauth/authorize?${app(port)}`);
		like(`an app asks, ${kind}: a page of ours`, b.page.url(), /\/oauth\/consent$/);
		if (locale === 'ar-EG') {
			await lookRtl(b, 'app');
			await b.browser.close();
			listener.close();
			return;
		}
		is(`an app asks, ${kind}: and nothing else is promised`, (await b.page.locator('footer').innerText()).includes('never leaves it.'), false);
		like(`an app asks, ${kind}: who makes the key`, await b.page.locator('main').innerText(), /made by our server/);
		await look(b, 'app');
		await b.page.locator('#name').fill('');
		await b.page.locator('button[value=yes]').click();
		ok(`an app asks, ${kind}: a device has a name`, await b.page.getByRole('alert').isVisible());
		await look(b, 'app-empty');
		await b.page.locator('button[value=no]').click();
		await b.page.waitForURL(`http://127.0.0.1:${port}/**`);
		is(`an app asks, ${kind}: no is told to the app`, `${answer().get('error')} ${answer().get('state')}`, 'access_denied of this run');
		await b.page.goto(`/oauth/authorize?${app(port)}`);
		await b.page.locator('#name').fill(`By an app, ${kind}`);
		await b.page.locator('button[value=yes]').click();
		await b.page.waitForURL(`http://127.0.0.1:${port}/**`);
		like(`an app asks, ${kind}: yes gives it a code`, answer().get('code'), /^[\w.~-]{20,}$/);
		await b.browser.close();
		listener.close();
	});
}

await journey('the help desk acts', async () => {
	const b = await open('desktop');
	await login(b, env.DESK_LOGIN, env.DESK_PASSWORD);
	await b.page.goto('/console');
	await b.page.locator('input[name=q]').fill(env.STUDENT_LOGIN);
	await submit(b);
	if (!/\/console\/person\//.test(b.page.url())) await b.page.locator('main a[href*="/console/person/"]').first().click();
	const act = async (name, reason) => {
		await b.page.getByRole('link', { name }).first().click();
		if (!reason) return submit(b);
		await b.page.locator('#reason').fill(reason);
		return submit(b);
	};
	await act(/^Suspend|^Hold/, '');
	ok('the help desk: no act without a reason', await b.page.getByRole('alert').isVisible());
	await look(b, 'console-no-reason');
	await b.page.locator('#reason').fill('odd traffic');
	await submit(b);
	ok('the help desk: suspended', await b.page.getByRole('status').isVisible());
	like('the help desk: with the reason', await b.page.locator('main').innerText(), /odd traffic/);
	await look(b, 'console-held');
	await act(/^Restore|^Lift|^End/, 'was nothing');
	ok('the help desk: restored', await b.page.getByRole('status').isVisible());
	await act(/^Revoke: With a certificate$/, 'sold <b>');
	ok('the help desk: revoked', await b.page.getByRole('status').isVisible());
	like('the help desk: by whom and why', await b.page.locator('article', { hasText: 'With a certificate' }).innerText(), /henry[^]*sold <b>|sold <b>[^]*henry/);
	is('the help desk: not a second time', await b.page.getByRole('link', { name: 'Revoke: With a certificate' }).count(), 0);
	await look(b, 'console-revoked');
	await b.browser.close();
});

await journey('a lost device that had a certificate', async () => {
	const b = await open('phone');
	await login(b);
	await b.page.goto('/lost');
	await b.page.getByRole('link', { name: /: Refused once$/ }).click();
	await submit(b);
	like('lost: the page that follows', b.page.url(), /\/devices\/d[0-9a-f]{32}\/lost/);
	is('lost: what is done', await b.page.locator('.steps .state.good').count() > 0, true);
	await look(b, 'lost-done');
	const at = b.page.url();
	const a = await open('phone', { locale: 'ar-EG' });
	await login(a);
	await a.page.goto(at);
	await lookRtl(a, 'lost-done');
	await b.browser.close();
});

// The portal is started anew with the shortest time that can be set.
await journey('a code that was not used in time', async () => {
	execFileSync(env.WITH_SHORT_CODES);
	const b = await open('phone');
	await login(b);
	await add(b, 'Too slow', 'other');
	const link = b.page.url();
	ok('in time: the code is there', await b.page.locator('#challenge').isVisible());
	for (let i = 0; i < 120 && await b.page.locator('#challenge').count() > 0; i++) {
		await b.page.waitForTimeout(1000);
		await b.page.goto(link);
	}
	like('too late: what happened, and what to do', await b.page.locator('main').innerText(), /This set-up page has ended[^]*get a new code/);
	await look(b, 'too-late');
	await b.page.locator('main a.button, main a').first().click();
	like('too late: the way back', b.page.url(), /\/devices$/);
	await b.page.getByRole('button', { name: 'Get a new code: Too slow' }).click();
	ok('too late: a new code by one click', await b.page.locator('#challenge').isVisible());
	ok('too late: by another link', b.page.url() !== link, b.page.url());
	await b.browser.close();
});

done();
