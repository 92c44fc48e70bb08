package cloud

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"syscall"

	"seawall/pkg/passwd"
	"seawall/pkg/text"
)

// image lists what should not go with an image.
func (r *reader) image() {
	r.f.Image.Known = r.users != nil && r.shadows != nil
	homes := 0
	for _, u := range r.users {
		if s := r.shadows[u.Name]; s.Password.State == passwd.Set || s.Password.State == passwd.Empty {
			r.item(Item{Kind: "password", Path: "/etc/shadow", Line: s.Line, Text: "the password of " + u.Name})
		}
		switch {
		case !u.CanLogIn() && u.UID != 0 || !strings.HasPrefix(u.Home, "/") || path.Clean(u.Home) == "/":
		case homes == maxList:
			r.leave("there are more homes than are looked at")
		default:
			homes++
			r.home(path.Clean(u.Home))
		}
	}
	r.system()
	if n, first := r.logs("/var/log", 0); n > 0 {
		r.item(Item{Kind: "log", Path: first, Text: fmt.Sprintf("%d files that are not empty", n)})
	}
}

// system lists what makes one host out of the image's many.
func (r *reader) system() {
	if r.root.Exists(instance) {
		r.item(Item{Kind: "instance", Path: instance, Text: "cloud-init's data of the host that the image is made of"})
	}
	for _, name := range r.list("/etc/ssh") {
		if strings.HasPrefix(name, "ssh_host_") && strings.HasSuffix(name, "_key") {
			r.item(Item{Kind: "host_key", Path: "/etc/ssh/" + name, Text: "a key of sshd"})
		}
	}
	for _, a := range r.f.Agents {
		if a.Installed && a.Name == "do-agent" {
			r.item(Item{Kind: "agent", Path: a.Path, Text: "do-agent is installed"})
		}
	}
	const id = "/etc/machine-id"
	if b, err := r.root.ReadFile(id, 4096); err == nil && len(bytes.TrimSpace(b)) > 0 && string(bytes.TrimSpace(b)) != "uninitialized" {
		r.item(Item{Kind: "machine_id", Path: id, Text: "the number of the host that the image is made of"})
	}
}

func (r *reader) item(i Item) {
	if len(r.f.Image.Items) == maxList {
		r.leave("an image of this host would hold more than is listed")
		return
	}
	i.Path, i.Text = text.Clean(i.Path, text.Limit), text.Clean(i.Text, 256)
	r.f.Image.Items = append(r.f.Image.Items, i)
	if i.Kind != "log" { // they change all day
		r.f.Meta.Depend(i.Path)
	}
}

// leave says that not all that an image would hold is listed.
func (r *reader) leave(why string) { r.f.Meta.Leave("image.items", why) }

// maxDir bounds the names of a directory that are looked at.
const maxDir = 1000

func (r *reader) list(dir string) []string {
	names, err := r.root.ReadDir(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR):
		return nil
	case err != nil:
		r.leave(text.Clean(err.Error(), text.Limit))
		return nil
	case len(names) > maxDir:
		r.leave(text.Clean(dir, text.Limit) + " has more files than are looked at")
		names = names[:maxDir]
	}
	return names
}

// home lists what a home holds of those who built the image.
func (r *reader) home(dir string) {
	for _, name := range []string{".bash_history", ".zsh_history", ".ash_history", ".python_history", ".mysql_history", ".psql_history", ".lesshst", ".viminfo"} {
		if size := r.size(path.Join(dir, name)); size > 0 {
			r.item(Item{Kind: "history", Path: path.Join(dir, name), Text: fmt.Sprintf("%d bytes", size)})
		}
	}
	for _, name := range r.list(path.Join(dir, ".ssh")) {
		full := path.Join(dir, ".ssh", name)
		size := r.size(full)
		switch {
		case size <= 0:
		case name == "authorized_keys" || name == "authorized_keys2":
			r.item(Item{Kind: "authorized_keys", Path: full, Text: fmt.Sprintf("%d bytes", size)})
		case strings.HasPrefix(name, "id_") && !strings.HasSuffix(name, ".pub"):
			r.item(Item{Kind: "private_key", Path: full, Text: "a private key"})
		}
	}
}

// size is that of a regular file, -1 of anything else.
func (r *reader) size(name string) int64 {
	fi, err := r.root.Stat(name)
	if err != nil || !fi.Mode().IsRegular() {
		return -1
	}
	return fi.Size()
}

// logs counts the logs that are not empty. The journal is the machine-id's matter:
// under another one it is not read.
func (r *reader) logs(dir string, depth int) (count int, first string) {
	const deepest = 3
	for _, name := range r.list(dir) {
		full := path.Join(dir, name)
		fi, err := r.root.Lstat(full)
		n, one := 0, full
		switch {
		case err != nil:
		case fi.IsDir() && depth < deepest && full != "/var/log/journal":
			n, one = r.logs(full, depth+1)
		case fi.IsDir() && depth == deepest:
			r.leave(text.Clean(full, text.Limit) + " is deeper than logs are looked for")
		case fi.Mode().IsRegular() && fi.Size() > 0 && name != "README":
			n = 1
		}
		if count == 0 {
			first = one
		}
		count += n
	}
	return count, first
}
