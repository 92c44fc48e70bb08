package inventory

import (
	"encoding/binary"
	"strings"
)

// capabilities names the bits of a set, in the kernel's order
// (include/uapi/linux/capability.h).
const capabilities = "chown dac_override dac_read_search fowner fsetid kill setgid setuid setpcap linux_immutable " +
	"net_bind_service net_broadcast net_admin net_raw ipc_lock ipc_owner sys_module sys_rawio sys_chroot sys_ptrace " +
	"sys_pacct sys_admin sys_boot sys_nice sys_resource sys_time sys_tty_config mknod lease audit_write audit_control " +
	"setfcap mac_override mac_admin syslog wake_alarm block_suspend audit_read perfmon bpf checkpoint_restore"

// rootly are the capabilities that lead to all others: each lets a program become
// root, or change what root runs.
const rootly = " chown dac_override fowner setgid setuid setfcap setpcap sys_module sys_rawio sys_ptrace sys_admin mknod bpf "

// parseCaps reads the extended attribute security.capability (struct vfs_cap_data)
// and returns it as getcap(8) prints it, "cap_net_raw=ep". Root says that what it
// grants amounts to being root.
func parseCaps(b []byte) (text string, root, ok bool) {
	const sizeV1, sizeV2, sizeV3 = 12, 20, 24
	if size := map[byte]int{1: sizeV1, 2: sizeV2, 3: sizeV3}; len(b) < sizeV1 || len(b) != size[b[3]] {
		return "", false, false
	}
	word := func(i int) uint64 { return uint64(binary.LittleEndian.Uint32(b[4*i:])) }
	magic := word(0)
	effective := magic&1 != 0
	permitted, inheritable := word(1), word(2)
	if len(b) > sizeV1 {
		permitted, inheritable = permitted|word(3)<<32, inheritable|word(4)<<32
	}
	names, more := capNames(permitted)
	letters := "p"
	if effective {
		letters = "ep"
	}
	if permitted == 0 {
		names, more = capNames(inheritable)
		letters = "i"
	}
	for _, n := range names {
		root = root || letters != "i" && strings.Contains(rootly, " "+strings.TrimPrefix(n, "cap_")+" ")
	}
	return strings.Join(names, ",") + "=" + letters, root || more && letters != "i", true
}

// capNames names the bits of a set; more says that there are some without a name.
func capNames(set uint64) (names []string, more bool) {
	i := 0
	for name := range strings.FieldsSeq(capabilities) {
		if set>>i&1 != 0 {
			names = append(names, "cap_"+name)
		}
		i++
	}
	return names, set>>i != 0
}
