package trust

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"seawall/collector/initial"
	"seawall/collector/web/webtest"
)

var shots = flag.String("shots", "", "a folder for pictures of the pages")

// office is a collector that runs as the program that it is, and a person before its
// dashboard in a browser.
type office struct {
	*testing.T
	bin, dir  string
	ingest    string
	dashboard string
	tab       context.Context
	said      *webtest.Complaints
}

func openOffice(t *testing.T) *office {
	o := &office{T: t, bin: programs(t), dir: t.TempDir(), tab: webtest.Chromium(t)}
	log, err := os.Create(filepath.Join(o.dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { log.Close() })
	cmd := exec.Command(filepath.Join(o.bin, "seawall-collector"), "--state-dir", o.state(), "--ingest", "127.0.0.1:0", "--dashboard", "127.0.0.1:0")
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	var at struct{ Ingest, Dashboard string }
	o.until("the collector runs", func() bool {
		data, err := os.ReadFile(filepath.Join(o.state(), "connection.json"))
		return err == nil && json.Unmarshal(data, &at) == nil
	})
	secret, err := os.ReadFile(filepath.Join(o.state(), initial.File))
	if err != nil {
		t.Fatal(err)
	}
	o.ingest, o.dashboard = at.Ingest, strings.TrimSuffix(at.Dashboard, "/")
	o.said = webtest.Listen(t, o.tab)
	o.do(chromedp.EmulateViewport(1440, 900), chromedp.Navigate(o.dashboard+"/login"),
		chromedp.SendKeys(chromedp.CSS("#password"), strings.TrimSpace(string(secret))+"\r"), chromedp.WaitVisible(chromedp.CSS(".top")))
	o.said.Take() // the page before the sign-in
	return o
}

func (o *office) state() string { return filepath.Join(o.dir, "collector") }

// until waits until ok, for a bounded time.
func (o *office) until(what string, ok func() bool) {
	o.Helper()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for end := time.After(time.Minute); !ok(); {
		select {
		case <-tick.C:
		case <-end:
			log, _ := os.ReadFile(filepath.Join(o.dir, "log"))
			o.Fatalf("it never comes true that %s:\n%s", what, log)
		}
	}
}

func (o *office) do(steps ...chromedp.Action[chromedp.Void]) {
	o.Helper()
	ctx, cancel := context.WithTimeout(o.tab, 30*time.Second)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		o.Fatalf("chromium: %v; the page says %q, and complains of %q", err, o.text("body"), o.said.Take())
	}
}

// text is what a part of the open page says, empty where it is not there.
func (o *office) text(selector string) string {
	o.Helper()
	ctx, cancel := context.WithTimeout(o.tab, time.Minute)
	defer cancel()
	text, err := chromedp.Run(ctx, chromedp.Evaluate[string](fmt.Sprintf(`document.querySelector(%q)?.innerText ?? ''`, selector)))
	if err != nil {
		o.Fatalf("chromium: %v", err)
	}
	return text
}

// look holds that nothing on the open page complains, that axe-core finds nothing and
// that a telephone shows it whole, and takes a picture of it.
func (o *office) look(name string) {
	o.Helper()
	for _, width := range []int64{360, 1440} {
		o.do(chromedp.EmulateViewport(width, 900))
		ctx, cancel := context.WithTimeout(o.tab, time.Minute)
		wide, err := chromedp.Run(ctx, chromedp.Evaluate[int64](`document.documentElement.scrollWidth`))
		if err != nil || wide > width {
			o.Errorf("%s is %d wide in a window of %d (%v)", name, wide, width, err)
		}
		for _, v := range webtest.Violations(o.T, ctx) {
			o.Errorf("%s: %s", name, v)
		}
		if *shots != "" {
			png, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
			if err == nil {
				err = os.WriteFile(filepath.Join(*shots, fmt.Sprintf("join-%s-%d.png", name, width)), png, 0o600)
			}
			if err != nil {
				o.Fatal(err)
			}
		}
		cancel()
	}
	if said := o.said.Take(); len(said) > 0 {
		o.Errorf("%s: %q", name, said)
	}
}

// invite fills in the form of "Add a host" as a person does, and returns the token in
// the text that comes of it.
func (o *office) invite(tags string, approval bool) string {
	o.Helper()
	o.do(chromedp.Navigate(o.dashboard+"/hosts"), chromedp.Click(chromedp.CSS(`a[href="/hosts/new"]`)), chromedp.WaitVisible(chromedp.CSS("form.join")),
		chromedp.Clear(chromedp.CSS("input[name=collector]")), chromedp.SendKeys(chromedp.CSS("input[name=collector]"), o.ingest),
		chromedp.SendKeys(chromedp.CSS("input[name=package]"), "/root/seawall.deb"), chromedp.SendKeys(chromedp.CSS("input[name=tags]"), tags))
	if approval {
		o.do(chromedp.Click(chromedp.CSS("input[name=approval]")))
	}
	o.do(chromedp.Click(chromedp.CSS("form.join button")), chromedp.WaitVisible(chromedp.CSS(".joined pre")))
	text := o.text(".joined pre")
	made := regexp.MustCompile(`seawall1_[A-Za-z0-9_-]{80}`).FindString(text)
	if made == "" || !strings.HasPrefix(text, "#cloud-config") || !strings.Contains(text, "seawall-uplink setup --collector "+o.ingest) {
		o.Fatalf("the user-data is %s", text)
	}
	if strings.Contains(text, "env=prod") || !strings.Contains(o.text(".joined > p"), "tagged "+tags) {
		o.Errorf("tags are in the user-data, or not beside it: %s\n%s", o.text(".joined > p"), text)
	}
	return made
}

// enrol has a machine use a token, and returns what its program says and its exit code.
func (o *office) enrol(machine, token string) (string, int) {
	o.Helper()
	config := filepath.Join(o.dir, "uplink.yaml")
	if err := os.WriteFile(config, []byte("collector: "+o.ingest+"\n"), 0o600); err != nil {
		o.Fatal(err)
	}
	cmd := exec.Command(filepath.Join(o.bin, "seawall-uplink"), "enroll", "--config", config, "--state-dir", filepath.Join(o.dir, machine), "--token-file", "-", "--wait", "8s")
	cmd.Stdin = strings.NewReader(token + "\n")
	cmd.Env = append(os.Environ(), "SEAWALL_UPLINK_SPOOL="+filepath.Join(o.dir, "spool"))
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil {
		o.Fatal(err)
	}
	return string(out), cmd.ProcessState.ExitCode()
}

// tagged filters the list of hosts by a tag, as it offers them, and returns the ids that
// it shows. The list may be some seconds old.
func (o *office) tagged(tag string, hosts int) string {
	o.Helper()
	offered := fmt.Sprintf(`select[name=tag] option[value=%q]`, tag)
	var ids string
	o.until(fmt.Sprintf("%d hosts have the tag %s", hosts, tag), func() bool {
		o.do(chromedp.Navigate(o.dashboard+"/hosts"), chromedp.WaitVisible(chromedp.CSS("#main")))
		if o.text(offered) == "" {
			return false
		}
		o.do(chromedp.SetAttributeValue(chromedp.CSS(offered), "selected", ""), chromedp.Click(chromedp.CSS("form.filter button")), chromedp.WaitVisible(chromedp.CSS(`form.filter a[href="/hosts"]`)))
		ctx, cancel := context.WithTimeout(o.tab, time.Minute)
		defer cancel()
		found, err := chromedp.Run(ctx, chromedp.Evaluate[[]string](`[...new Set([...document.querySelectorAll('a[href^="/hosts/"]')].map(a => a.pathname.slice(7)).filter(id => /^[0-9a-f]{32}$/.test(id)))]`))
		if err != nil {
			o.Fatal(err)
		}
		ids = strings.Join(found, " ")
		return len(found) == hosts
	})
	return ids
}

// decide presses a button of the one host that waits, whose key was compared or not, and
// waits until none does.
func (o *office) decide(key, what string, compared bool) {
	o.Helper()
	form := fmt.Sprintf(`form[action="/hosts/requests/%s/%s"]`, key, what)
	o.do(chromedp.Navigate(o.dashboard+"/hosts"), chromedp.WaitVisible(chromedp.CSS(form)))
	if compared {
		o.do(chromedp.Click(chromedp.CSS(form + " button"))) // the browser asks for the tick
		if o.text("#waiting .request h3") == "" {
			o.Error("decided without a comparison")
		}
		o.do(chromedp.Click(chromedp.CSS(form + " input[name=compared]")))
	}
	o.do(chromedp.Click(chromedp.CSS(form+" button")), chromedp.WaitNotPresent(chromedp.CSS(form)), chromedp.WaitVisible(chromedp.CSS("#main")))
}

// TestJoin adds hosts as a person does, on the dashboard in a browser: the text that it
// makes holds a token with which a machine enrols, the tags are the host's, at once and
// after approval, and a token that is ended there is good for nobody.
func TestJoin(t *testing.T) {
	o := openOffice(t)
	first := o.invite("env=prod role=web", false)
	o.look("made")
	said, code := o.enrol("one", first)
	enrolled := regexp.MustCompile(`enrolled as ([0-9a-f]{32})`).FindStringSubmatch(said)
	if code != 0 || enrolled == nil {
		t.Fatalf("exit %d: %s", code, said)
	}
	if ids := o.tagged("env=prod", 1); ids != enrolled[1] {
		t.Errorf("env=prod has %s, want %s", ids, enrolled[1])
	}
	if o.text("#main .st-pass") != "" || !strings.Contains(o.text("#main"), "no result yet") {
		t.Errorf("a host of which nothing is known passes: %s", o.text("#main"))
	}
	o.look("filtered")
	o.do(chromedp.Navigate(o.dashboard+"/hosts/"+enrolled[1]), chromedp.WaitVisible(chromedp.CSS("h1")))
	if name, err := os.Hostname(); err != nil || o.text("h1") != name || !strings.Contains(o.text("#main"), "env=prod role=web") {
		t.Errorf("the host's page has %q of %q: %v", o.text("h1"), name, err)
	}
	if page := o.text("#main"); strings.Contains(page, "0.00") || strings.Contains(page, "0 B") || !strings.Contains(page, "not told yet") {
		t.Errorf("a host that has told nothing yet:\n%s", page)
	}
	o.look("host")
	if one := o.tagged("role=web", 1); one != enrolled[1] {
		t.Errorf("role=web has %s", one)
	}

	second := o.invite("env=prod role=db", true)
	if said, code := o.enrol("two", second); code != 3 {
		t.Fatalf("one that has to be approved: exit %d: %s", code, said)
	}
	o.do(chromedp.Navigate(o.dashboard+"/hosts"), chromedp.WaitVisible(chromedp.CSS("#waiting")))
	waiting := o.text("#waiting")
	key := regexp.MustCompile(`\b[0-9a-f]{16}\b`).FindString(waiting)
	if !strings.Contains(waiting, "env=prod") || !strings.Contains(waiting, "role=db") || key == "" {
		t.Errorf("what waits: %s", waiting)
	}
	if said, _ := o.enrol("two", second); !strings.Contains(said, key) {
		t.Errorf("the host does not say its key %s: %s", key, said)
	}
	o.look("waiting")
	o.decide(key, "approve", true)
	if said, code := o.enrol("two", second); code != 0 {
		t.Fatalf("approved: exit %d: %s", code, said)
	}
	if ids := o.tagged("env=prod", 2); !strings.Contains(ids, enrolled[1]) {
		t.Errorf("env=prod has %s", ids)
	}
	if ids := o.tagged("role=db", 1); strings.Contains(ids, enrolled[1]) {
		t.Errorf("role=db has %s", ids)
	}

	refused := o.invite("env=prod", true)
	if said, code := o.enrol("refused", refused); code != 3 {
		t.Fatalf("another that has to be approved: exit %d: %s", code, said)
	}
	o.do(chromedp.Navigate(o.dashboard+"/hosts"), chromedp.WaitVisible(chromedp.CSS("#waiting")))
	o.decide(regexp.MustCompile(`\b[0-9a-f]{16}\b`).FindString(o.text("#waiting")), "reject", false)
	if said, code := o.enrol("refused", refused); code == 0 || code == 3 || !strings.Contains(said, "reject") {
		t.Errorf("turned away: exit %d: %s", code, said)
	}

	third := o.invite("env=prod", false)
	o.do(chromedp.Navigate(o.dashboard+"/hosts/new"), chromedp.WaitVisible(chromedp.CSS("#tokens")))
	if tokens := o.text("#tokens"); strings.Count(tokens, "used up") != 3 || strings.Count(tokens, "1 of 1") != 3 || strings.Count(tokens, "0 of 1") != 1 {
		t.Errorf("tokens: %s", tokens)
	}
	o.look("tokens")
	o.do(chromedp.Click(chromedp.CSS("#tokens button")), chromedp.WaitNotPresent(chromedp.CSS("#tokens button")))
	if said, code := o.enrol("three", third); code != 1 || !strings.Contains(said, "token revoked") {
		t.Errorf("a token that was ended: exit %d: %s", code, said)
	}
}
