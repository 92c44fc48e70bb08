package web_test

import (
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"seawall/collector/fleet"
	"seawall/collector/web/webtest"
)

// TestCopy copies the lines of a remedy on both pages that have one, also after
// the part was loaded anew, and has no button where the script cannot copy.
func TestCopy(t *testing.T) {
	d := smallFleet()
	base := serve(t, newServer(t, config(d)))
	tab := webtest.Chromium(t)
	said := webtest.Listen(t, tab)
	signIn(t, tab, base)
	const want = "# First make sure that your key lets you in: ssh -o PasswordAuthentication=no USER@HOST\n" +
		"echo 'ssh-permit-root-login no' > /etc/ssh/sshd_config.d/00-ssh-permit-root-login.conf\nsshd -t && systemctl reload ssh"
	for _, path := range []string{"/hosts/" + string(d.hosts[0].ID), "/checks/ssh-permit-root-login"} {
		if err := chromedp.Do(tab, chromedp.Navigate(base+path)); err != nil {
			t.Fatal(err)
		}
		until(t, tab, 30*time.Second, `document.querySelector('#link').dataset.state === 'live'`)
		// What is added to a part goes away when the part is loaded anew.
		value[bool](t, tab, `document.querySelector('[data-part]').append('x'), document.querySelector(':not(.notice) > .code > [data-copy]').closest('[data-part]')?.append('x'), true`)
		d.touch(0, func(*fleet.Host) {})
		until(t, tab, 30*time.Second, `![...document.querySelectorAll('[data-part]')].some(part => part.lastChild.data === 'x')`)
		value[bool](t, tab, `(() => { const write = navigator.clipboard.writeText.bind(navigator.clipboard);
			navigator.clipboard.writeText = text => { window.wrote = text; return write(text); }; return true; })()`)
		if err := chromedp.Do(tab, chromedp.Click(chromedp.CSS(":not(.notice) > .code > [data-copy]"))); err != nil {
			t.Fatal(err)
		}
		until(t, tab, 30*time.Second, `document.querySelector(':not(.notice) > .code > [data-copy]').textContent === 'Copied' && document.querySelector('#announce').textContent === 'Copied'`)
		if got := value[string](t, tab, `window.wrote`); got != want {
			t.Errorf("%s: copied %q, want %q", path, got, want)
		}
		until(t, tab, 30*time.Second, `document.querySelector(':not(.notice) > .code > [data-copy]').textContent === 'Copy'`)
		if value[bool](t, tab, `document.documentElement.classList.remove('can-copy'), document.querySelector(':not(.notice) > .code > [data-copy]').checkVisibility()`) {
			t.Errorf("%s: there is a button without the script", path)
		}
	}
	for _, s := range said.Take() {
		t.Error(s)
	}
}
