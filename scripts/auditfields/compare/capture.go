package compare

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"

	"seawall/pkg/auditlog"
)

// Capture writes a capture, which has the numbers of types, as auditd writes a log.
func Capture(w io.Writer, name string) error {
	text, err := os.ReadFile(name)
	if err != nil {
		return fmt.Errorf("read capture: %w", err)
	}
	out := bufio.NewWriter(w)
	for line := range bytes.Lines(text) {
		typ, payload, ok := auditlog.Line(line)
		if !ok {
			return fmt.Errorf("read capture: no record: %.100q", line)
		}
		if _, err := fmt.Fprintf(out, "type=%s msg=%s\n", auditlog.Name(typ), payload); err != nil {
			return fmt.Errorf("write log: %w", err)
		}
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("write log: %w", err)
	}
	return nil
}
