package replay

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"seawall/agent/console"
	"seawall/agent/detect"
	"seawall/agent/detect/rules"
	"seawall/agent/usage"
	"seawall/pkg/finding"
	"seawall/pkg/hostfs"
	"seawall/pkg/names"
)

// allowFile is what the owners of a host decided not to be told of.
const allowFile = "/etc/seawall/allow.yaml"

// program is the surroundings of the command.
type program struct{ *console.Console }

// Command returns the command replay, which reads what was recorded; of the host it
// reads the rules and the names of users.
func Command(c *console.Console) *cobra.Command {
	p := program{c}
	var format, dir, allow string
	cmd := &cobra.Command{
		Use:   "replay FILE...",
		Short: "Run the detections over an audit log",
		Long: `Replay reads audit records that were kept, as auditd writes them (also with gzip
around them, and "-" is the standard input), and prints what the detections say of
them: Seawall's own and those of /etc/seawall/detections.d. What an allow list allows
is left out. Only what the records tell is known: a parent that no record tells of is
missing, and names of users are this host's.

Exit status:
  0  there is nothing to see
  1  there are detections
  2  a file or a rule could not be read`,
		Example: `  seawall replay /var/log/audit/audit.log
  seawall replay --format jsonl old.log.gz
  ausearch --raw -ts today | seawall replay -`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return errors.New("seawall replay wants audit logs, such as /var/log/audit/audit.log")
			}
			for _, name := range []*string{&dir, &allow} {
				abs, err := filepath.Abs(*name)
				if err != nil {
					return fmt.Errorf("%s: %w", *name, err)
				}
				*name = abs
			}
			return p.replay(cmd.Context(), args, format, dir, allow)
		},
	}
	usage.AddFormat(cmd, &format, "table", "json", "jsonl")
	cmd.Flags().StringVar(&dir, "rules", rules.Dir, "file or directory of rules beside our own")
	cmd.Flags().StringVar(&allow, "allow", allowFile, "allow list")
	return cmd
}

// replay prints what rules say of files, all that could be read of them.
func (p program) replay(ctx context.Context, files []string, format, dir, allow string) error {
	d, _, problem := Compile(dir, allow)
	if d == nil {
		return problem
	}
	var all Result
	read := 0
	for _, name := range files {
		one, err := replayFile(ctx, name, d)
		problem = errors.Join(problem, err)
		if one != nil {
			all.Add(one)
			read++
		}
		if ctx.Err() != nil {
			break
		}
	}
	if read == 0 {
		return problem // no zeros, which would look like an answer
	}
	if err := all.Print(p.Stdout, format, p.Options()); err != nil {
		return errors.Join(problem, err)
	}
	switch {
	case problem != nil:
		return problem
	case len(all.Detections) > 0:
		return console.Exit(console.Findings)
	}
	return nil
}

// Compile reads our rules and those of a file or directory, and an allow list, of this
// host. It returns how many rules there are, and what is wrong with some beside them.
func Compile(dir, allow string) (d *detect.Detector, count int, problem error) {
	root := hostfs.Root{}
	list, problem := rules.Load(root, dir)
	var allowed []detect.Allowance
	switch text, err := root.ReadFile(allow, 1<<20); {
	case err == nil:
		allowed, err = detect.ParseAllow(allow, text, time.Now())
		problem = errors.Join(problem, err)
	case !errors.Is(err, fs.ErrNotExist):
		problem = errors.Join(problem, err)
	}
	d, err := detect.New(detect.Config{Rules: list, Allow: allowed, Report: func(finding.Detection) {}, User: user(root)})
	return d, len(list), errors.Join(problem, err)
}

// user names the users of this host.
func user(root hostfs.Root) func(uint32) string {
	known, err := names.Read(root)
	if err != nil {
		return func(uint32) string { return "" }
	}
	return func(uid uint32) string {
		name, _ := known.User(int(uid))
		return name
	}
}

func replayFile(ctx context.Context, name string, d *detect.Detector) (*Result, error) {
	f := os.Stdin
	if name != "-" {
		var err error
		if f, err = os.Open(name); err != nil {
			return nil, err
		}
		defer f.Close()
		if fi, err := f.Stat(); err == nil && fi.IsDir() {
			return nil, fmt.Errorf("%s is a directory: name the logs in it", name)
		}
	}
	return Run(&until{f, ctx.Done()}, d, nil)
}

// until reads a file, a pipe or a terminal until done, also where nothing comes.
type until struct {
	f    *os.File
	done <-chan struct{}
}

const glance = 100 // milliseconds between two looks at done

var errEnded = errors.New("ended before all was read")

// Read waits for bytes and reads them.
func (u *until) Read(b []byte) (int, error) {
	fds := []unix.PollFd{{Fd: int32(u.f.Fd()), Events: unix.POLLIN}}
	for {
		select {
		case <-u.done:
			return 0, errEnded
		default:
		}
		if n, err := unix.Poll(fds, glance); n > 0 || err != nil && !errors.Is(err, unix.EINTR) {
			return u.f.Read(b)
		}
	}
}
