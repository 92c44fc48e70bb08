package console

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"google.golang.org/protobuf/types/known/timestamppb"

	"seawall/collector/fleet"
	"seawall/pkg/finding"
	"seawall/pkg/text"
	"seawall/pkg/wholefile"
	seawallv1 "seawall/proto/seawall/v1"
)

// cell is how much of a value stands in a table, in bytes.
const cell = 48

// maxLine is the longest line of an export: a detection with all its samples.
const maxLine = 8 << 20

// receive has write take the parts of an export as they come.
func (c Console) receive(ctx context.Context, parameters map[string]string, write func(io.Reader) error) error {
	return c.reach(ctx, func(ctx context.Context, to client) error {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		stream, err := to.Export(ctx, &seawallv1.ExportRequest{Parameters: parameters})
		if err != nil {
			return err
		}
		in := &parts{next: func() ([]byte, error) {
			part, err := stream.Recv()
			return part.GetData(), err
		}}
		if err := write(in); in.err != nil && !errors.Is(in.err, io.EOF) {
			return in.err // the collector's own words
		} else if err != nil {
			return err
		}
		return nil
	})
}

// parts reads parts one after the other.
type parts struct {
	next func() ([]byte, error)
	left []byte
	err  error
}

func (p *parts) Read(b []byte) (int, error) {
	for len(p.left) == 0 {
		if p.err != nil {
			return 0, p.err
		}
		p.left, p.err = p.next()
	}
	n := copy(b, p.left)
	p.left = p.left[n:]
	return n, nil
}

// given returns the flags that were set, by their names, but for those left out.
func given(f *pflag.FlagSet, but ...string) map[string]string {
	set := map[string]string{}
	f.VisitAll(func(flag *pflag.Flag) {
		if flag.Changed && !slices.Contains(but, flag.Name) {
			set[flag.Name] = flag.Value.String()
		}
	})
	return set
}

func (c Console) export() *cobra.Command {
	cmd := &cobra.Command{Use: "export", Short: "Write hosts, findings, changes or detections for other programs", Args: cobra.NoArgs,
		Long: `Write hosts, findings, changes or detections for other programs, on standard output or
to a file that only its owner may read: as jsonl (the API's objects, one to a line), csv,
ocsf (Open Cybersecurity Schema Framework 1.3), ecs (Elastic Common Schema), otlp
(OpenTelemetry logs) or sarif (SARIF 2.1.0, findings alone). Each export is in the audit trail.`}
	f := cmd.Flags()
	f.String("what", "findings", "hosts, findings (results that stand), changes or detections")
	f.String("format", "jsonl", "jsonl, csv, ocsf, ecs, otlp or sarif")
	f.String("host", "", "of the host with this id")
	f.String("check", "", "of this check")
	f.String("rule", "", "detections of this rule")
	f.String("family", "", "findings of this family of checks")
	f.String("status", "", "with one of these statuses, with commas between them; open: fail, unknown and error")
	f.String("severity", "", "of at least this severity")
	f.String("since", "", "changes or detections since: RFC 3339, or a time ago such as 24h or 7d")
	f.String("until", "", "and before: likewise")
	f.Int("limit", 0, "how many lines at most")
	output := f.StringP("output", "o", "", "write to this file, whole or not at all")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return c.receive(cmd.Context(), given(cmd.LocalNonPersistentFlags(), "output", "help"), func(in io.Reader) error {
			if *output != "" {
				return toFile(*output, in)
			}
			if _, err := io.Copy(c.Stdout, in); err != nil {
				return fmt.Errorf("export: %w", err)
			}
			return nil
		})
	}
	return cmd
}

// toFile writes a file for its owner alone, whole or not at all.
func toFile(name string, in io.Reader) (err error) {
	f, err := os.CreateTemp(filepath.Dir(name), ".export-") // mode 0600
	if err != nil {
		return fmt.Errorf("export: %w", err)
	}
	defer func() {
		if err != nil {
			_ = os.Remove(f.Name())
			err = fmt.Errorf("export to %s: %w", name, err)
		}
	}()
	_, err = io.Copy(f, in)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err = os.Rename(f.Name(), name); err != nil {
		return err
	}
	return wholefile.SyncFolder(name)
}

// lines calls do with each line of an export, as JSON that v takes.
func lines[T any](in io.Reader, do func(T)) error {
	scan := bufio.NewScanner(in)
	scan.Buffer(nil, maxLine)
	for scan.Scan() {
		var v T
		if err := json.Unmarshal(scan.Bytes(), &v); err != nil {
			return fmt.Errorf("read the collector's answer: %w", err)
		}
		do(v)
	}
	if err := scan.Err(); err != nil {
		return fmt.Errorf("read the collector's answer: %w", err)
	}
	return nil
}

func (c Console) hosts() *cobra.Command {
	cmd := &cobra.Command{Use: "hosts", Short: "List hosts with how they stand, those with most to do first", Args: cobra.NoArgs,
		Long: "List hosts with how they stand, those with most to do first. Who may deliver, and who\nwaits for approval, is said by \"host list\"."}
	asJSON := cmd.Flags().Bool("json", false, "for programs: the API's objects, one to a line")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return c.receive(cmd.Context(), map[string]string{"what": "hosts"}, func(in io.Reader) error {
			if *asJSON {
				return c.copied(in)
			}
			var all []fleet.Host
			if err := lines(in, func(h fleet.Host) { all = append(all, h) }); err != nil {
				return err
			}
			slices.SortStableFunc(all, worse)
			rows := make([][]string, 0, len(all))
			for i := range all {
				rows = append(rows, c.hostRow(&all[i]))
			}
			return table(c.Stdout, "HOST NAME STATE SCORE CRITICAL HIGH FAIL UPDATES DETECTIONS SYSTEM", rows)
		})
	}
	return cmd
}

// worse orders hosts by what failed, the worst severity first.
func worse(a, b fleet.Host) int {
	for s := finding.SeverityCritical; s > finding.SeverityUnknown; s-- {
		if d := b.BySeverity[s] - a.BySeverity[s]; d != 0 {
			return d
		}
	}
	return b.Pending - a.Pending
}

func (c Console) hostRow(h *fleet.Host) []string {
	score := ""
	if n, ok := h.Counts.Score(); ok {
		score = strconv.Itoa(n)
	}
	detected := 0
	for _, n := range h.Detected {
		detected += n
	}
	return []string{string(h.ID), h.Labels.Name, string(h.Presence) + ", " + c.since(h.LastSeen), score, strconv.Itoa(h.BySeverity[finding.SeverityCritical]),
		strconv.Itoa(h.BySeverity[finding.SeverityHigh]), strconv.Itoa(h.Counts.Fail), strconv.Itoa(h.Pending), strconv.Itoa(detected), h.Labels.OS}
}

func (c Console) since(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return span(timestamppb.New(t), c.Now())
}

// copied copies lines for a program.
func (c Console) copied(in io.Reader) error {
	if _, err := io.Copy(c.Stdout, in); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	return nil
}

func (c Console) findings() *cobra.Command {
	cmd := &cobra.Command{Use: "findings", Short: "List results that stand: what fails, is unknown or could not be evaluated", Args: cobra.NoArgs}
	f := cmd.Flags()
	f.String("host", "", "of the host with this id")
	f.String("check", "", "of this check")
	f.String("family", "", "of this family of checks")
	f.String("status", "open", "with one of these statuses, with commas between them; open: fail, unknown and error")
	f.String("severity", "", "of at least this severity")
	f.Int("limit", 0, "how many at most")
	asJSON := f.Bool("json", false, "for programs: the API's objects, one to a line")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		parameters := given(cmd.LocalNonPersistentFlags(), "json", "help")
		parameters["status"] = cmd.Flag("status").Value.String()
		return c.receive(cmd.Context(), parameters, func(in io.Reader) error {
			if *asJSON {
				return c.copied(in)
			}
			var all []fleet.State
			if err := lines(in, func(s fleet.State) { all = append(all, s) }); err != nil {
				return err
			}
			slices.SortStableFunc(all, func(a, b fleet.State) int { return int(b.Result.Severity) - int(a.Result.Severity) })
			rows := make([][]string, 0, len(all))
			for i := range all {
				s, r := &all[i], &all[i].Result
				rows = append(rows, []string{s.HostName, r.Severity.String(), r.Status.String(), r.Check, r.Resource, text.Clean(r.Actual, cell), text.Clean(r.Expected, cell), c.since(s.Since)})
			}
			return table(c.Stdout, "HOST SEVERITY STATUS CHECK RESOURCE FOUND EXPECTED SINCE", rows)
		})
	}
	return cmd
}
