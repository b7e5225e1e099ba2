// The journeys of people on the portal. Run by portal.sh, which has the servers running.
import { execFileSync } from 'node:child_process';
import { KINDS, done, is, journey, like, look, ok, open } from './tap.mjs';
import { add, clear, login, lookRtl, saved } from './walk.mjs';

const env = process.env;
const redis = (...args) => execFileSync(env.AS_HELPDESK, args, { encoding: 'utf8' }).trim();

const FILES = {
	apple: [/\.mobileconfig$/, /com\.apple\.security\.scep|<plist|PayloadType/],
	linux: [/\.sh$/, /^#!\/bin\/sh/],
	windows: [/\.ps1$/, /SCEP/i],
	chromeos: [/\.sh$/, /^#!\/bin\/sh/],
};

for (const kind of Object.keys(KINDS)) {
	await journey(`pages for everybody, ${kind}`, async () => {
		const b = await open(kind);
		for (const path of ['login', 'welcome', 'about', 'r']) {
			await b.page.goto(`/${path}`);
			await look(b, path);
		}
		await b.page.goto('/nowhere');
		await look(b, 'not-found');
		await b.browser.close();
	});
}

await journey('a wrong password', async () => {
	const b = await open('phone');
	await login(b, env.STUDENT_LOGIN, 'wrong');
	ok('a wrong password: says so', await b.page.getByRole('alert').isVisible());
	is('a wrong password: the name stays', await b.page.locator('#login').inputValue(), env.STUDENT_LOGIN);
	is('a wrong password: the password does not', await b.page.locator('#password').inputValue(), '');
	await look(b, 'wrong-password');
	await b.browser.close();
});

for (const kind of ['phone', 'desktop', 'dark', 'narrow']) {
	await journey(`onboarding, ${kind}`, async () => {
		const b = await open(kind);
		await login(b);
		like(`logged in, ${kind}`, b.page.url(), /\/devices$/);
		await look(b, 'devices-none');
		await b.page.goto('/devices/new');
		await look(b, 'new');
		for (const platform of ['apple', 'linux', 'windows', 'chromeos', 'other']) {
			await add(b, `My ${platform} <b>&"'`, platform);
			like(`${platform}, ${kind}: the set-up page`, b.page.url(), /\/e\/[\w-]{20,}$/);
			await look(b, `setup-${platform}`);
			if (FILES[platform]) {
				const file = await saved(b, b.page.locator('main a.button').first());
				like(`${platform}, ${kind}: the file's name`, file.name, FILES[platform][0]);
				like(`${platform}, ${kind}: and what is in it`, file.text, FILES[platform][1]);
			}
			if (platform === 'apple') {
				await b.page.locator('main a[href$="/other"]').click();
				ok(`the way to another device, ${kind}: a picture of the address`, await b.page.locator('main svg, main img').count() > 0);
				await look(b, 'handover');
			}
			await b.page.goto('/devices');
			is(`${platform}, ${kind}: its name as it was typed`, await b.page.locator('li.device h2').first().innerText(), `My ${platform} <b>&"'`);
			await look(b, `devices-${platform}`);
			if (platform === 'apple') {
				await b.page.getByRole('link', { name: /^Rename/ }).first().click();
				is(`${kind}: the old name to begin with`, await b.page.locator('#name').inputValue(), `My ${platform} <b>&"'`);
				await look(b, 'rename');
				await b.page.locator('#name').fill('');
				await b.page.locator('main button[type=submit]').click();
				ok(`${kind}: no name is refused`, await b.page.getByRole('alert').isVisible());
				await look(b, 'rename-empty');
				await b.page.locator('#name').fill('Другое имя <i>');
				await b.page.locator('main button[type=submit]').click();
				is(`${kind}: the new name`, await b.page.locator('li.device h2').first().innerText(), 'Другое имя <i>');
				ok(`${kind}: and a word about it`, await b.page.getByRole('status').isVisible());
			}
			await b.page.getByRole('link', { name: /^Remove/ }).first().click();
			if (platform === 'apple') await look(b, 'remove');
			await b.page.locator('main button[type=submit]').click();
			is(`${platform}, ${kind}: removed`, await b.page.locator('li.device').count(), 0);
		}
		await b.page.getByRole('button', { name: /log out|sign out/i }).click();
		await b.page.goto('/devices');
		like(`logged out, ${kind}`, b.page.url(), /\/login/);
		await b.browser.close();
	});
}

await journey('what is missing in a form', async () => {
	const b = await open('phone');
	await login(b);
	await b.page.goto('/devices/new');
	await b.page.locator('main button[type=submit]').click();
	ok('an empty form: says what is missing', await b.page.getByRole('alert').isVisible());
	await look(b, 'new-empty');
	await b.page.locator('#summary a').first().click();
	await b.browser.close();
});

await journey('a lost phone', async () => {
	const b = await open('phone');
	await b.page.goto('/lost');
	await b.page.locator('#login').fill(env.STUDENT_LOGIN);
	await b.page.locator('#password').fill(env.STUDENT_PASSWORD);
	await b.page.locator('main button[type=submit]').click();
	like('lost: after the login, where it was wanted', b.page.url(), /\/lost$/);
	await look(b, 'lost-none');
	await add(b, 'Gone <b>', 'other');
	await b.page.goto('/lost');
	await look(b, 'lost');
	await b.page.locator('li.device a').first().click();
	await look(b, 'lost-sure');
	await b.page.locator('main button[type=submit]').click();
	like('lost: it is gone', b.page.url(), /\/devices\?removed=1$/);
	is('lost: from the list too', await b.page.locator('li.device').count(), 0);
	await b.browser.close();
});

await journey('one device too many', async () => {
	const b = await open('phone');
	await login(b);
	await add(b, 'First', 'linux');
	await add(b, 'Second', 'other');
	await b.page.goto('/devices');
	await look(b, 'devices-full');
	is('the limit: no button for a third', await b.page.locator('main a[href="/devices/new"]').count(), 0);
	await b.page.goto('/devices/new');
	like('the limit: its address leads back', b.page.url(), /\/devices$/);
	await clear(b);
	await b.browser.close();
});

await journey('a link that has ended', async () => {
	const b = await open('phone');
	await login(b);
	await add(b, 'Old', 'linux');
	const link = b.page.url();
	await clear(b);
	await b.page.goto(link);
	is('a link that has ended: no code', await b.page.locator('#challenge').count(), 0);
	await look(b, 'ended');
	await b.page.goto('/e/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA');
	await look(b, 'unknown-link');
	await b.browser.close();
});

await journey('by keyboard alone', async () => {
	const b = await open('desktop');
	const at = () => b.page.locator(':focus');
	const until = async (what) => {
		for (let i = 0; i < 40; i++) {
			await b.page.keyboard.press('Tab');
			if (await b.page.locator(`${what}:focus`).count() > 0) return true;
		}
		return false;
	};
	await b.page.goto('/login');
	await b.page.keyboard.press('Tab');
	is('keyboard: first the way past the head', await at().getAttribute('href'), '#main');
	await b.page.screenshot({ path: `${env.BROWSER_PICTURES}/skip-desktop.png` });
	ok('keyboard: to the name', await until('#login'));
	await b.page.keyboard.type(env.STUDENT_LOGIN);
	ok('keyboard: to the password', await until('#password'));
	await b.page.keyboard.type(env.STUDENT_PASSWORD);
	await b.page.keyboard.press('Enter');
	await b.page.waitForURL('**/devices');
	ok('keyboard: to "add"', await until('main a[href="/devices/new"]'));
	await b.page.keyboard.press('Enter');
	await b.page.waitForURL('**/devices/new');
	ok('keyboard: to the name', await until('#name'));
	await b.page.keyboard.type('By hand');
	ok('keyboard: to the kinds', await until('input[name=platform]'));
	await b.page.keyboard.press('ArrowDown');
	await b.page.keyboard.press('Enter');
	await b.page.waitForURL('**/e/**');
	ok('keyboard: to the file', await until('main a.button'));
	await clear(b);
	await b.browser.close();
});

await journey('somebody is put on hold while logged in', async () => {
	const b = await open('phone');
	await login(b);
	redis('FCALL', 'suspend_user', '0', env.STUDENT_LOGIN, 'browser test');
	await b.page.goto('/devices/new');
	is('on hold: nothing to add', await b.page.locator('#name').count(), 0);
	await look(b, 'held');
	redis('FCALL', 'restore_user', '0', env.STUDENT_LOGIN);
	await b.browser.close();
});

await journey('in German', async () => {
	const b = await open('phone', { locale: 'de-AT' });
	await login(b);
	is('in German: as the browser asks', await b.page.locator('html').getAttribute('lang'), 'de');
	await look(b, 'devices-german');
	await b.page.goto('/devices/new');
	await look(b, 'new-german');
	await b.page.getByRole('link', { name: 'English' }).click();
	like('in German: and in English by a link to the same page', `${b.page.url()} ${await b.page.locator('html').getAttribute('lang')}`, /\/devices\/new\?lang=en en$/);
	await b.page.goto('/devices');
	is('in German: the choice stays', await b.page.locator('html').getAttribute('lang'), 'en');
	await b.browser.close();
});

for (const kind of ['phone', 'desktop', 'narrow']) {
	await journey(`in Arabic, ${kind}`, async () => {
		const b = await open(kind, { locale: 'ar-EG' });
		for (const path of ['login', 'welcome', 'about', 'r']) {
			await b.page.goto(`/${path}`);
			await lookRtl(b, path);
		}
		await login(b);
		await lookRtl(b, 'devices-none');
		for (const platform of ['apple', 'linux', 'windows', 'chromeos', 'other']) {
			await b.page.goto('/devices/new');
			if (platform === 'apple') await lookRtl(b, 'new');
			await add(b, `هاتف سارة ${platform}`, platform);
			await lookRtl(b, `setup-${platform}`);
			if (platform === 'apple') {
				await b.page.locator('main a[href$="/other"]').click();
				await lookRtl(b, 'handover');
			}
			await b.page.goto('/devices');
			await lookRtl(b, 'devices');
			await b.page.locator('main a[href$="/remove"]').first().click();
			if (platform === 'apple') await lookRtl(b, 'remove');
			await b.page.locator('main button[type=submit]').click();
		}
		await b.browser.close();
	});
}

for (const kind of ['desktop', 'phone', 'dark', 'narrow']) {
	await journey(`the help desk, ${kind}`, async () => {
		const b = await open(kind);
		await login(b, env.DESK_LOGIN, env.DESK_PASSWORD);
		await b.page.goto('/console');
		await look(b, 'console');
		await b.page.locator('input[name=q]').fill(env.STUDENT_LOGIN);
		await b.page.locator('main button[type=submit]').first().click();
		if (!/\/console\/person\//.test(b.page.url())) await b.page.locator('main a[href*="/console/person/"]').first().click();
		like(`the help desk finds somebody, ${kind}`, b.page.url(), /\/console\/person\/u[0-9a-f]{32}$/);
		await look(b, 'console-person');
		const person = b.page.url();
		for (const what of ['hold', 'story', 'code']) {
			await b.page.goto(`${person}/${what}`);
			await look(b, `console-${what}`);
		}
		await b.page.goto('/console/overview');
		ok(`the overview in pictures, ${kind}`, await b.page.locator('main svg[role=img]').count() === 5, `${await b.page.locator('main svg[role=img]').count()} of 5`);
		await look(b, 'console-overview');
		await b.browser.close();
	});
}

await journey('in the colours and words of a campus', async () => {
	execFileSync(env.WITH_THEME);
	for (const kind of ['desktop', 'phone', 'dark', 'narrow']) {
		const b = await open(kind);
		await b.page.goto('/login');
		like(`a campus's own words, ${kind}`, await b.page.locator('.brand-service').innerText(), /^Meridian Wi-Fi$/);
		is(`a campus's own logo, ${kind}`, await b.page.locator('.brand img').evaluate((i) => i.complete && i.naturalWidth > i.naturalHeight), true);
		await look(b, 'theme-login');
		await login(b);
		await look(b, 'theme-devices');
		await b.browser.close();
	}
});

done();
