package boot

import (
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"

	"seawall/pkg/hostfs"
	"seawall/pkg/text"
)

var directories = [...]string{"/boot/grub", "/boot/grub2"}

const maxUsers = 64

// readGrub reads who may change what GRUB boots. more says that there are other
// superusers.
func readGrub(root hostfs.Root) (g Grub, more bool) {
	g = Grub{Superusers: []string{}}
	for _, dir := range directories {
		b, err := root.ReadFile(path.Join(dir, "grub.cfg"), 0)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		g.Installed = true
		if err != nil {
			g.Reason = err.Error()
			return g, more
		}
		user, err := root.ReadFile(path.Join(dir, "user.cfg"), 0)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			g.Reason = err.Error()
			return g, more
		}
		more = g.script(path.Join(dir, "grub.cfg"), string(b), userPassword(user)) || more
		g.Known = true
	}
	return g, more
}

// userPassword reports whether a user.cfg sets a password.
func userPassword(b []byte) bool {
	for line := range strings.Lines(string(b)) {
		if value, ok := strings.CutPrefix(strings.TrimSpace(line), "GRUB2_PASSWORD="); ok && strings.Trim(value, `"'`) != "" {
			return true
		}
	}
	return false
}

// script reads a grub.cfg. variable says whether ${GRUB2_PASSWORD} is set, and
// more that there are other superusers.
func (g *Grub) script(file, script string, variable bool) (more bool) {
	protected := map[string]bool{}
	number, open := 0, 0 // entries that anybody may boot
	for line := range strings.SplitSeq(script, "\n") {
		number++
		w := strings.Fields(line)
		switch {
		case len(w) == 0:
		case sets(w, variable):
			protected[w[1]] = true
		case w[0] == "set" && len(w) > 1 && strings.HasPrefix(w[1], "superusers="):
			more = g.superusers(line)
			g.File, g.Line, g.Raw = file, number, text.Clean(strings.TrimSpace(line), maxText)
		case w[0] == "menuentry":
			g.Entries++
			if anybody(line) {
				open++
			}
		}
	}
	g.Password = len(g.Superusers) > 0 && !slices.ContainsFunc(g.Superusers, func(u string) bool { return !protected[u] })
	if len(protected) > 0 && len(g.Superusers) > 0 {
		g.Locked += g.Entries - open
	}
	return more
}

// sets reports whether the words of a line set a user's password.
func sets(w []string, variable bool) bool {
	return (w[0] == "password_pbkdf2" || w[0] == "password") && len(w) >= 3 && (variable || !strings.Contains(w[2], "GRUB2_PASSWORD"))
}

// superusers takes the names in a line "set superusers=…", which replace those before.
func (g *Grub) superusers(line string) (more bool) {
	_, list, _ := strings.Cut(line, "superusers=")
	users := strings.FieldsFunc(strings.Trim(strings.TrimSpace(list), `"'`), func(r rune) bool { return strings.ContainsRune(" ,;|&", r) })
	g.Superusers = g.Superusers[:0]
	for _, u := range users[:min(len(users), maxUsers)] {
		g.Superusers = append(g.Superusers, text.Clean(u, maxText))
	}
	return len(users) > maxUsers
}

// anybody reports whether a menu entry can be booted without a password.
func anybody(line string) bool {
	options, _, _ := strings.Cut(line, "{")
	return strings.Contains(options, "--unrestricted")
}

// secret reports whether a file holds a password of GRUB's or its hash.
func secret(b []byte) bool {
	for line := range strings.Lines(string(b)) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "GRUB2_PASSWORD=") && !strings.HasSuffix(line, "=") {
			return true
		}
		if w := strings.Fields(line); len(w) >= 3 && (w[0] == "password" || w[0] == "password_pbkdf2") && !strings.HasPrefix(w[2], "$") {
			return true
		}
	}
	return false
}
