// Package capacity tells how full a file system is.
package capacity

import (
	"golang.org/x/sys/unix"

	"seawall/pkg/text"
)

// Space is how full a file system is, as statfs(2) tells it to those who are not
// root. Inodes are unknown (-1) on those that make them as they go.
type Space struct {
	Known       bool   `json:"known"`
	Reason      string `json:"reason"`
	Bytes       int    `json:"bytes"`        // its size
	UsedPercent int    `json:"used_percent"` // as df(1)
	Inodes      int    `json:"inodes"`
	UsedInodes  int    `json:"used_inodes"` // percent
}

// Unknown is the Space of a file system that was not asked.
func Unknown(reason string) Space { return Space{Reason: reason, Inodes: -1, UsedInodes: -1} }

// Of asks the file system that the directory name lies in.
func Of(name string) Space {
	var s unix.Statfs_t
	if err := unix.Statfs(name, &s); err != nil {
		return Unknown(text.Clean(err.Error(), text.Limit))
	}
	out := Space{Known: true, Bytes: int(s.Blocks) * int(s.Frsize), Inodes: -1, UsedInodes: -1}
	out.UsedPercent = percent(s.Blocks-s.Bfree, s.Bavail)
	if s.Files > 0 {
		out.Inodes, out.UsedInodes = int(s.Files), percent(s.Files-s.Ffree, s.Ffree)
	}
	return out
}

// percent is what is used of what there is, rounded up as df(1) does.
func percent(used, left uint64) int {
	total := used + left
	if total == 0 {
		return 0
	}
	return int((used*100 + total - 1) / total)
}
