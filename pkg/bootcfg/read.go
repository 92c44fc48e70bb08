package bootcfg

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strconv"
	"strings"

	"seawall/pkg/hostfs"
	"seawall/pkg/redact"
)

// maxEntries bounds the boot entries that are looked at.
const maxEntries = 256

// Read reads the command lines of the host at root. It never fails as a whole:
// what could not be had is said in the result.
func Read(root hostfs.Root) Boot {
	r := &reader{root: root}
	r.running()
	r.defaults()
	r.grub()
	r.bls()
	r.images()
	r.conclude()
	r.hush(&r.boot.Running)
	r.hush(&r.boot.Defaults)
	for i := range r.boot.Next {
		r.hush(&r.boot.Next[i])
	}
	return r.boot
}

// hush hides the secrets that somebody gave to an init or a module.
func (r *reader) hush(l *Line) {
	l.Text, l.Raw = redact.Text(l.Text), redact.Text(l.Raw)
}

// reader collects a Boot.
type reader struct {
	root  hostfs.Root
	boot  Boot
	env   map[string]string // grubenv and the variables that grub.cfg sets
	found []string          // boot loader configurations that are there
	wants bool              // GRUB itself reads the entries of loader/entries
	grubs int               // grub.cfg files that could be read
	spent int               // bytes that variables stood for
	notes []string          // why Next is not known
}

// read returns a file, or nil with a note unless it is just absent.
func (r *reader) read(name string) []byte {
	r.boot.Depends = append(r.boot.Depends, name)
	b, err := r.root.ReadFile(name, 0)
	switch {
	case err == nil:
		return b
	case !errors.Is(err, fs.ErrNotExist):
		r.notes = append(r.notes, err.Error())
	}
	return nil
}

// list returns the names in a directory that end in suffix.
func (r *reader) list(dir, suffix string) []string {
	r.boot.Depends = append(r.boot.Depends, dir+"/")
	names, err := r.root.ReadDir(dir)
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			r.notes = append(r.notes, err.Error())
		}
		return nil
	}
	var out []string
	for _, n := range names {
		if strings.HasSuffix(n, suffix) {
			out = append(out, path.Join(dir, n))
		}
	}
	return out
}

func (r *reader) running() {
	if !r.root.Live() {
		return
	}
	const name = "/proc/cmdline"
	b, err := r.root.ReadFile(name, 0)
	if err != nil {
		return
	}
	text := strings.TrimRight(string(b), "\n\x00")
	r.boot.Running, r.boot.RunningKnown = parseCommandLine(text), true
	r.boot.Running.File, r.boot.Running.Raw = name, text
}

// add notes a boot entry.
func (r *reader) add(l Line, text string) {
	if len(r.boot.Next) == maxEntries {
		r.notes = append(r.notes, fmt.Sprintf("more than %d boot entries", maxEntries))
		return
	}
	if len(r.boot.Next) > maxEntries {
		return
	}
	parsed := parseCommandLine(text)
	parsed.Title, parsed.File, parsed.Line, parsed.Raw = l.Title, l.File, l.Line, l.Raw
	parsed.Recovery = l.Recovery
	r.boot.Next = append(r.boot.Next, parsed)
}

// images looks for unified kernel images, which hold their command line inside.
func (r *reader) images() {
	for _, top := range []string{"/boot", "/efi", "/boot/efi"} {
		if n := len(r.list(top+"/EFI/Linux", ".efi")); n > 0 {
			r.notes = append(r.notes, fmt.Sprintf("%d unified kernel images in %s/EFI/Linux are not read", n, top))
		}
	}
}

func (r *reader) conclude() {
	if len(r.boot.Next) == 0 && len(r.notes) == 0 {
		if len(r.found) == 0 {
			r.notes = append(r.notes, "no boot loader configuration found: this host is booted from outside")
		} else {
			r.notes = append(r.notes, "no boot entry in "+strings.Join(r.found, ", "))
		}
	}
	r.boot.NextKnown = len(r.notes) == 0
	r.boot.Reason = strings.Join(r.notes, "; ")
}

// parseCommandLine reads the parameters as the kernel does: words are separated
// by white space outside of double quotes, "-" and "_" are the same in names,
// what follows "--" is for init, and a later value replaces an earlier one.
func parseCommandLine(text string) Line {
	l := Line{Text: text}
	for _, word := range words(text) {
		if word == "--" {
			break
		}
		name, value, ok := strings.Cut(word, "=")
		if !ok {
			continue
		}
		switch strings.ReplaceAll(strings.Trim(name, `"`), "-", "_") {
		case "audit":
			l.Audit = strings.Trim(value, `"`)
			l.AuditSet = true
			// Whatever is not off turns it on, with a complaint in the log.
			l.AuditOn = l.Audit != "0" && !strings.EqualFold(l.Audit, "off")
		case "audit_backlog_limit":
			// One that is no number is ignored, with a complaint in the log.
			if n, err := strconv.ParseUint(strings.Trim(value, `"`), 0, 31); err == nil {
				l.BacklogLimit = int(n)
			}
		}
	}
	return l
}

func words(text string) []string {
	quoted := false
	return strings.FieldsFunc(text, func(c rune) bool {
		if c == '"' {
			quoted = !quoted
		}
		return !quoted && (c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\v' || c == '\f')
	})
}
