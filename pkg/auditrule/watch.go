package auditrule

import (
	"fmt"
	"runtime"
	"strings"

	"github.com/elastic/go-libaudit/v2/auparse"
	"github.com/elastic/go-libaudit/v2/rule"
)

// WatchFile returns a rule that reports writes and changes of attributes of the
// file name, which need not exist as long as its directory does. Links are not
// followed.
func WatchFile(name, key string) (Rule, error) {
	return watch("path", name, key, "", nil)
}

// WatchDir returns the rules that report the same of everything below the
// directory name. It must exist. The kernel looks at such a rule at the end of
// every system call that it names, so it names only those that can change a file:
// one rule for each of the machine's architectures.
func WatchDir(name, key string) ([]Rule, error) {
	var rules []Rule
	for _, arch := range architectures() {
		r, err := watch("dir", name, key, arch.name, arch.calls(PermWrite|PermAttr))
		if err != nil {
			return nil, err
		}
		rules = append(rules, r)
	}
	if rules == nil { // no table for this machine
		r, err := watch("dir", name, key, "", nil)
		return []Rule{r}, err
	}
	return rules, nil
}

func watch(kind, name, key, arch string, calls []string) (Rule, error) {
	if !strings.HasPrefix(name, "/") || strings.ContainsAny(name, "\x00\n") {
		return Rule{}, fmt.Errorf("watch %q: not an absolute file name", name)
	}
	equal := func(lhs, rhs string) rule.FilterSpec {
		return rule.FilterSpec{Type: rule.ValueFilterType, LHS: lhs, Comparator: "=", RHS: rhs}
	}
	r := &rule.SyscallRule{
		Type: rule.AppendSyscallRuleType, List: "exit", Action: "always",
		Syscalls: calls, Keys: []string{key},
	}
	if arch != "" {
		r.Filters = append(r.Filters, equal("arch", arch))
	}
	r.Filters = append(r.Filters, equal(kind, name), equal("perm", "wa"))
	return build(r)
}

// architecture is one that programs of this machine may use.
type architecture struct {
	name  string // of auditctl
	table string // of go-libaudit
}

func architectures() []architecture {
	switch runtime.GOARCH {
	case "amd64":
		return []architecture{{"b64", "x86_64"}, {"b32", "i386"}}
	case "arm64":
		return []architecture{{"b64", "aarch64"}, {"b32", "arm"}}
	}
	return nil
}

// The system calls of the kernel's classes write (with dir_write), chattr and read, and
// the opens, which are of the class that their flags say (include/asm-generic/audit_*.h,
// audit_match_perm in kernel/auditsc.c).
const (
	opening = "open openat openat2 "
	writing = opening + "creat truncate truncate64 ftruncate ftruncate64 fallocate bind acct swapon quotactl socketcall " +
		"rename renameat renameat2 mkdir mkdirat rmdir link linkat symlink symlinkat unlink unlinkat mknod mknodat "
	chattr = "chmod fchmod fchmodat fchmodat2 chown fchown lchown fchownat chown32 fchown32 lchown32 " +
		"setxattr lsetxattr fsetxattr removexattr lremovexattr fremovexattr link linkat "
	reading   = opening + "readlink readlinkat quotactl listxattr llistxattr flistxattr getxattr lgetxattr fgetxattr "
	executing = "execve execveat "
)

// calls returns the system calls of the classes in perm that the architecture has.
func (a architecture) calls(perm uint32) []string {
	names := ""
	for class, of := range map[uint32]string{PermWrite: writing, PermAttr: chattr, PermRead: reading, PermExec: executing} {
		if perm&class != 0 {
			names += of
		}
	}
	want := map[string]bool{}
	for name := range strings.FieldsSeq(names) {
		want[name] = true
	}
	var calls []string
	for _, name := range auparse.AuditSyscalls[a.table] {
		if want[name] {
			calls = append(calls, name)
		}
	}
	return calls
}
