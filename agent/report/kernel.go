package report

import (
	"cmp"
	"fmt"
	"io"
	"strconv"

	"seawall/agent/facts/audit"
	"seawall/pkg/text"
)

// Kernel prints what the kernel says of audit, as a line of "seawall status".
func Kernel(w io.Writer, k audit.Kernel) error {
	said := "not known: " + k.Reason
	if k.Known {
		word := map[int]string{0: "off", 1: "on", 2: "on and locked"}
		daemon := "no audit daemon"
		if k.PID != 0 {
			daemon = fmt.Sprintf("audit daemon %d (%s)", k.PID, k.PIDComm)
		}
		said = fmt.Sprintf("audit %s, %s, backlog %d of %d, %d records lost",
			cmp.Or(word[k.Enabled], strconv.Itoa(k.Enabled)), daemon, k.Backlog, k.BacklogLimit, k.Lost)
	}
	if _, err := fmt.Fprintf(w, "kernel        %s\n", text.Terminal(said)); err != nil {
		return fmt.Errorf("write status: %w", err)
	}
	return nil
}
