package main

import (
	"bytes"
	"io"
	"net/http"
	"net/http/cookiejar"
	neturl "net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"seawall/collector/contact"
	"seawall/collector/initial"
)

var word = regexp.MustCompile(`(?:[a-z2-9]{5}-){4}[a-z2-9]{5}`)

// signIn posts a password to the login page and returns where that leads.
func signIn(t *testing.T, base, secret string) string {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Jar: jar, Timeout: 20 * time.Second}
	resp, err := client.Get(base + "login")
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	if err != nil {
		t.Fatal(err)
	}
	form := regexp.MustCompile(`name="form" value="([^"]+)"`).FindSubmatch(body)
	if form == nil {
		t.Fatalf("no form: %s", body)
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, base+"login",
		strings.NewReader(neturl.Values{"form": {string(form[1])}, "password": {secret}}.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.Header.Set("Origin", strings.TrimSuffix(base, "/"))
	if resp, err = client.Do(request); err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	return resp.Request.URL.Path
}

// TestPasswordIsNotLogged runs a collector whose output is a log, as systemd does:
// the password stands in a file until the first sign-in, and never in the log.
func TestPasswordIsNotLogged(t *testing.T) {
	folder := t.TempDir()
	p := startProgram(t, folder)
	file := filepath.Join(folder, initial.File)
	info, err := os.Stat(file)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("%v, %v", info, err)
	}
	data, err := os.ReadFile(file)
	if err != nil || !word.Match(data) {
		t.Fatalf("the file holds %q, %v", data, err)
	}
	secret := strings.TrimSpace(string(data))
	if at := signIn(t, p.at.Dashboard, "not "+secret); at != "/login" {
		t.Errorf("a wrong password leads to %s", at)
	}
	// The next start says that the file is there still.
	p.kill()
	p = startProgram(t, folder)
	if now, err := os.ReadFile(file); err != nil || !bytes.Equal(now, data) {
		t.Errorf("after a wrong password and a restart the file holds %q, %v", now, err)
	}
	if at := signIn(t, p.at.Dashboard, secret); at != "/" {
		t.Errorf("the password leads to %s", at)
	}
	if _, err := os.Stat(file); err == nil {
		t.Error("the file is left after the first sign-in")
	}
	log, err := os.ReadFile(filepath.Join(folder, "log"))
	if err != nil {
		t.Fatal(err)
	}
	if word.Match(log) || bytes.Contains(log, []byte(secret)) {
		t.Errorf("the password is in the log:\n%s", log)
	}
	for _, want := range []string{"read it, then delete the file", "still in its file", "its file is deleted", "path=" + file} {
		if !bytes.Contains(log, []byte(want)) {
			t.Errorf("the log does not say %q:\n%s", want, log)
		}
	}
}

// terminalPair opens a pseudo-terminal: what a program writes to the second comes
// out of the first.
func terminalPair(t *testing.T) (ours, theirs *os.File) {
	t.Helper()
	ours, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ours.Close() })
	if err := unix.IoctlSetPointerInt(int(ours.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(int(ours.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	theirs, err = os.OpenFile("/dev/pts/"+strconv.Itoa(n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { theirs.Close() })
	return ours, theirs
}

// TestPasswordOnTerminal shows the password to a person, and keeps it nowhere.
func TestPasswordOnTerminal(t *testing.T) {
	folder := t.TempDir()
	ours, theirs := terminalPair(t)
	cmd := exec.Command("seawall-collector", "--state-dir", folder, "--ingest", "127.0.0.1:0", "--dashboard", "127.0.0.1:0")
	cmd.Stdout = theirs
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }()
	if !poll(func() bool { _, err := os.Stat(filepath.Join(folder, contact.File)); return err == nil }) {
		t.Fatal("the collector does not start")
	}
	buf := make([]byte, 4096)
	n, err := ours.Read(buf)
	if err != nil || !bytes.Contains(buf[:n], []byte("ADMINISTRATOR PASSWORD")) {
		t.Errorf("the terminal shows %q, %v", buf[:n], err)
	}
	if _, err := os.Stat(filepath.Join(folder, initial.File)); err == nil {
		t.Error("the password is in a file, too")
	}
}
