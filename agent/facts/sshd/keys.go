package sshd

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/bits"
	"strconv"
	"strings"
	"syscall"

	"seawall/pkg/hostfs"
	"seawall/pkg/sshdconf"
	"seawall/pkg/text"
)

// readHostKeys describes the keys that the server's settings name. They are the
// same on every connection.
func (f *Facts) readHostKeys(root hostfs.Root) []HostKey {
	out := []HostKey{}
	if len(f.Connections) == 0 {
		return out
	}
	setting := f.Connections[0].Settings["hostkey"]
	for _, path := range setting.Values {
		if path == "none" || path == "(null)" || !strings.HasPrefix(path, "/") {
			continue
		}
		k := readHostKey(root, path)
		k.Default = !setting.Set
		f.Meta.Depend(path, path+".pub")
		if k.Default && k.Mode < 0 && !k.PublicOnly && k.Error == "" {
			continue
		}
		if k.Mode < 0 && !k.PublicOnly && k.Error == "" {
			k.Error = "no such file"
		}
		out = append(out, k)
	}
	return out
}

// readHostKey describes one key. Its kind and length are taken from the public
// part that an OpenSSH private key begins with, since that is the key that is
// used; for other formats, and where there is no private file, from the .pub.
func readHostKey(root hostfs.Root, path string) HostKey {
	k := HostKey{Path: text.Clean(path, text.Limit), Mode: -1, UID: -1, GID: -1}
	file, fi, err := root.OpenFile(path)
	var blob []byte
	if err == nil {
		defer file.Close()
		k.Mode = int(fi.Mode().Perm())
		k.UID, k.GID = owners(fi)
		blob, err = privateHeader(file)
	} else if fi, statErr := root.Stat(path); statErr == nil {
		k.Mode = int(fi.Mode().Perm())
		k.UID, k.GID = owners(fi)
	}
	if blob == nil {
		public, pubErr := publicFile(root, path+".pub")
		switch {
		case pubErr == nil:
			blob = public
			k.PublicOnly = errors.Is(err, fs.ErrNotExist)
		case err == nil:
			err = errors.New("no public part in it, and " + pubErr.Error()) // its absence is not the key's
		}
	}
	if blob != nil {
		k.Type, k.Bits, err = strength(blob)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		k.Error = text.Clean(err.Error(), 512)
	}
	return k
}

const (
	pemBegin   = "-----BEGIN OPENSSH PRIVATE KEY-----"
	magic      = "openssh-key-v1\x00"
	blobLimit  = 8 << 10
	pubLimit   = 16 << 10
	readAtOnce = 256 // bytes of a private file: the secret follows the public part
)

// privateHeader returns the public key at the head of an OpenSSH private key,
// reading little more of the file than that; nil for another format.
func privateHeader(r io.Reader) ([]byte, error) {
	lines := bufio.NewReaderSize(r, readAtOnce)
	first, err := lines.ReadString('\n')
	if err != nil || strings.TrimSpace(first) != pemBegin {
		return nil, nil
	}
	body := base64.NewDecoder(base64.StdEncoding, lines)
	head := make([]byte, len(magic))
	if _, err := io.ReadFull(body, head); err != nil || string(head) != magic {
		return nil, errors.New("damaged private key")
	}
	for range 3 { // cipher, key derivation, its options
		if _, err := readString(body); err != nil {
			return nil, err
		}
	}
	var count uint32
	if err := binary.Read(body, binary.BigEndian, &count); err != nil || count == 0 {
		return nil, errors.New("damaged private key")
	}
	return readString(body)
}

func readString(r io.Reader) ([]byte, error) {
	var n uint32
	if err := binary.Read(r, binary.BigEndian, &n); err != nil || n > blobLimit {
		return nil, errors.New("damaged key")
	}
	b := make([]byte, n)
	if _, err := io.ReadFull(r, b); err != nil {
		return nil, errors.New("damaged key")
	}
	return b, nil
}

func publicFile(root hostfs.Root, path string) ([]byte, error) {
	data, err := root.ReadFile(path, pubLimit)
	if err != nil {
		return nil, err
	}
	words := strings.Fields(string(data))
	if len(words) < 2 {
		return nil, fmt.Errorf("%s is no public key", path)
	}
	blob, err := base64.StdEncoding.DecodeString(words[1])
	if err != nil {
		return nil, fmt.Errorf("%s is no public key: %w", path, err)
	}
	return blob, nil
}

// strength reads kind and length of a public key as it goes over the wire.
func strength(blob []byte) (kind string, length int, err error) {
	r := bytes.NewReader(blob)
	name, err := readString(r)
	if err != nil {
		return "", 0, err
	}
	switch n := string(name); {
	case n == "ssh-ed25519":
		return "ed25519", 256, nil
	case strings.HasPrefix(n, "sk-ssh-ed25519@"):
		return "sk-ed25519", 256, nil
	case strings.HasPrefix(n, "sk-ecdsa-sha2-nistp256@"):
		return "sk-ecdsa", 256, nil
	case strings.HasPrefix(n, "ecdsa-sha2-nistp"):
		if _, err := fmt.Sscanf(n, "ecdsa-sha2-nistp%d", &length); err != nil {
			return "", 0, errors.New("damaged key")
		}
		return "ecdsa", length, nil
	case n == "ssh-dss":
		kind = "dsa" // its first number is p
	case n == "ssh-rsa":
		kind = "rsa" // its second number is n
		if _, err := readString(r); err != nil {
			return "", 0, err
		}
	default:
		return text.Clean(n, 64), 0, nil
	}
	number, err := readString(r)
	if err != nil {
		return "", 0, err
	}
	number = bytes.TrimLeft(number, "\x00")
	if len(number) > 0 {
		length = len(number)*8 - bits.LeadingZeros8(number[0])
	}
	return kind, length, nil
}

// owners are a file's user and group, -1 where they are not known.
func owners(fi fs.FileInfo) (uid, gid int) {
	if st, ok := fi.Sys().(*syscall.Stat_t); ok {
		return int(st.Uid), int(st.Gid)
	}
	return -1, -1
}

// files describes the configuration's files and the key files.
func (f *Facts) files(root hostfs.Root, c *sshdconf.Config, keys []HostKey) {
	for _, name := range c.Files {
		f.Files = append(f.Files, describe(root, name, "config"))
	}
	for _, dir := range includeDirs(c) {
		if root.Exists(dir) {
			f.Files = append(f.Files, describe(root, dir, "config_dir"))
		}
	}
	for _, k := range keys {
		if k.Mode >= 0 {
			f.Files = append(f.Files, describe(root, k.Path, "host_key"))
		}
		if root.Exists(k.Path + ".pub") {
			f.Files = append(f.Files, describe(root, k.Path+".pub", "host_key_public"))
		}
	}
}

func describe(root hostfs.Root, name, kind string) File {
	out := File{Path: text.Clean(name, text.Limit), Kind: kind, Mode: -1, UID: -1, GID: -1}
	fi, err := root.Stat(name)
	if err != nil {
		out.Error = text.Clean(err.Error(), 512)
		return out
	}
	out.Mode = int(fi.Mode().Perm())
	out.UID, out.GID = owners(fi)
	out.KeysGroup = kind == "host_key" && out.GID > 0 && keysGroup(root, strconv.Itoa(out.GID))
	return out
}

// keysGroup reports whether a group is the one that Red Hat's sshd lets read keys.
func keysGroup(root hostfs.Root, id string) bool {
	data, err := optional(root, "/etc/group")
	if err != nil {
		return false
	}
	for f := range fields(data, 3) {
		if f[0] == "ssh_keys" && f[2] == id {
			return true
		}
	}
	return false
}
