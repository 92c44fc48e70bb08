package sshd

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"

	"seawall/agent/facts/command"
	"seawall/agent/facts/fact"
	"seawall/pkg/hostfs"
	"seawall/pkg/sshdconf"
)

// server is the program and how this host starts it.
type server struct {
	installed  bool
	blocked    string // why it cannot be asked; empty: it can
	version    string
	release    int
	configPath string
	args       []string // of the host's own, that change what -T says
	preset     []string // the -o options among them
	depends    []string
}

// optionFiles are where distributions keep sshd's options, with the variable.
func optionFiles() [][2]string {
	return [][2]string{{"/etc/default/ssh", "SSHD_OPTS"}, {"/etc/sysconfig/sshd", "OPTIONS"}}
}

// pidFile is where the running listener says who it is. It is root's.
const pidFile = "/run/sshd.pid"

func findServer(env fact.Env) *server {
	s := &server{configPath: sshdconf.DefaultPath}
	s.depends = []string{s.configPath, "/etc/passwd", "/etc/group", "/etc/default/ssh"}
	program := ""
	switch {
	case !env.Live():
		s.blocked = "the system is an image: its sshd does not run here"
		for _, p := range command.Allowed()[command.SSHD] {
			if env.Root.Exists(p) {
				program = p
				break
			}
		}
		if program == "" {
			s.blocked = "no sshd in this image"
		}
	case env.Command == nil:
		s.blocked = "no command may be run"
		program = command.Allowed()[command.SSHD][0]
	default:
		var err error
		program, err = env.Command.Find(command.SSHD)
		if errors.Is(err, command.ErrNotInstalled) {
			s.depends = append(s.depends, command.Allowed()[command.SSHD]...)
			return s
		}
		if err != nil {
			s.blocked = err.Error()
			program = command.Allowed()[command.SSHD][0]
		}
	}
	s.depends = append(s.depends, command.Allowed()[command.SSHD][0])
	s.installed = program != "" && env.Root.Exists(program)
	s.version, s.release = version(env.Root, program)
	s.take(hostArgs(env))
	return s
}

// version finds the release in the program itself, so that it need not be run.
// The program names older releases too, whose faults it works around: the
// highest is its own.
func version(root hostfs.Root, program string) (name string, release int) {
	if program == "" {
		return "", 0
	}
	f, _, err := root.OpenFile(program)
	if err != nil {
		return "", 0
	}
	defer f.Close()
	const programLimit = 32 << 20 // 9.2's has 1 MB
	const overlap = 32
	buf := make([]byte, 64<<10)
	have := 0
	for total := 0; total < programLimit; {
		n, err := f.Read(buf[have:])
		total += n
		have += n
		if n, r := newest(buf[:have]); r > release || r == release && len(n) > len(name) {
			name, release = n, r
		}
		if err != nil {
			break
		}
		have = copy(buf, buf[max(0, have-overlap):have])
	}
	return name, release
}

// newest is the highest release that is named in data.
func newest(data []byte) (name string, release int) {
	mark := []byte("OpenSSH_")
	for {
		i := bytes.Index(data, mark)
		if i < 0 {
			return name, release
		}
		data = data[i+len(mark):]
		end := bytes.IndexFunc(data, func(r rune) bool {
			return (r < '0' || r > '9') && r != '.' && r != 'p'
		})
		if end < 0 || end > 16 {
			continue
		}
		var major, minor int
		n, _ := fmt.Sscanf(string(data[:end]), "%d.%d", &major, &minor)
		if n != 2 || major > 99 || minor > 99 {
			continue
		}
		// "OpenSSH_9.2" stands beside "OpenSSH_9.2p1".
		if r := major*100 + minor; r > release || r == release && len(mark)+end > len(name) {
			name, release = string(mark)+string(data[:end]), r
		}
	}
}

// hostArgs are the arguments that this host starts sshd with: those of the
// running listener, or of the file that its unit reads.
func hostArgs(env fact.Env) []string {
	if env.Live() {
		if args := listenerArgs(env.Root); args != nil {
			return args
		}
	}
	for _, f := range optionFiles() {
		data, err := env.Root.ReadFile(f[0], 0)
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(data)) {
			name, value, ok := strings.Cut(strings.TrimSpace(line), "=")
			if ok && strings.TrimPrefix(name, "export ") == f[1] {
				return strings.Fields(strings.Trim(value, `"'`))
			}
		}
	}
	return nil
}

// listenerArgs reads the running listener's title, "sshd: /usr/sbin/sshd -D
// [listener] 0 of 10-100 startups". Only root's own process counts.
func listenerArgs(root hostfs.Root) []string {
	pid, err := root.ReadFile(pidFile, 64)
	if err != nil {
		return nil
	}
	n, err := strconv.Atoi(strings.TrimSpace(string(pid)))
	if err != nil || n <= 1 {
		return nil
	}
	proc := "/proc/" + strconv.Itoa(n)
	if fi, err := root.Stat(proc); err != nil || owner(fi) != 0 {
		return nil
	}
	title, err := root.ReadFile(proc+"/cmdline", 64<<10)
	if err != nil {
		return nil
	}
	line := strings.ReplaceAll(strings.TrimRight(string(title), "\x00"), "\x00", " ")
	line, ok := strings.CutPrefix(line, "sshd: ")
	line, _, listener := strings.Cut(line, " [listener]")
	if !ok || !listener {
		return nil
	}
	args := strings.Fields(line)
	return args[min(1, len(args)):]
}

// take keeps the options that change the answer of -T. An -f whose path is not
// absolute cannot be followed.
func (s *server) take(args []string) {
	for i := 0; i < len(args); i++ {
		flag, value := args[i], ""
		if len(flag) < 2 || flag[0] != '-' {
			continue
		}
		switch flag[1] {
		case '4', '6':
			s.args = append(s.args, flag[:2])
			continue
		case 'f', 'o', 'p', 'h', 'c', 'g':
		default:
			continue
		}
		value = flag[2:]
		if value == "" && i+1 < len(args) {
			i++
			value = args[i]
		}
		switch {
		case value == "" || flag[1] == 'f' && !strings.HasPrefix(value, "/"):
			continue
		case flag[1] == 'f':
			s.configPath = value
			s.depends = append(s.depends, value)
			continue
		case flag[1] == 'o':
			s.preset = append(s.preset, value)
		}
		s.args = append(s.args, flag[:2], value)
	}
}

// specLimit bounds what is handed to sshd as a connection.
const specLimit = 4096

// ask runs sshd -T for a connection; an empty spec asks without one. A refusal
// is a *RefusedError; any other error means that sshd could not be asked.
func (s *server) ask(ctx context.Context, env fact.Env, spec string) (map[string][]string, error) {
	if s.blocked != "" {
		return nil, errors.New(s.blocked)
	}
	if len(spec) > specLimit || strings.ContainsAny(spec, "\x00\n") {
		return nil, &RefusedError{Message: "connection is too long or has a line break"}
	}
	args := append([]string{"-T", "-f", s.configPath}, s.args...)
	if spec != "" {
		args = append(args, "-C", spec)
	}
	out, err := env.Command.Run(ctx, command.SSHD, args...)
	if err != nil {
		return nil, err
	}
	if out.Exit == 0 {
		return sshdconf.ParseDump(string(out.Stdout)), nil
	}
	msg := clean(string(out.Stderr))
	if out.Exit < 0 || msg == "" || surroundings(msg) {
		return nil, fmt.Errorf("%s -T exits with %d: %s", out.Path, out.Exit, msg)
	}
	return nil, locate(msg)
}

// surroundings reports whether sshd stopped for something that is not in its
// configuration: it has read that without complaint then.
func surroundings(msg string) bool {
	for _, part := range []string{
		"no hostkeys available", "Missing privilege separation directory", "Privilege separation user",
		"must be owned by root and not group or world-writable",
	} {
		if strings.Contains(msg, part) {
			return true
		}
	}
	return false
}

// owner is a file's user, -1 where it is not known.
func owner(fi fs.FileInfo) int {
	uid, _ := owners(fi)
	return uid
}
