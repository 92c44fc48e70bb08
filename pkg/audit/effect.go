package audit

import "bytes"

// Did returns what a successful event did to its path i, as an operation of a Change,
// and "" for nothing but looking. It says of one path what ChangedPaths says of all,
// and allocates nothing.
func (e *Event) Did(i int) string {
	if !e.HasSyscall || !e.Success {
		return ""
	}
	call := SyscallName(e)
	kind := effectOf(call)
	if !opensForWriting(e, call) {
		kind.op = ""
	}
	return kind.operation(e.Paths[i].Nametype)
}

// AppendName appends the name of path i to dst, absolute and clean where the event
// tells the directory that it is relative to; absolute is false where it does not.
func (e *Event) AppendName(dst []byte, i int) (name []byte, absolute bool) {
	p := &e.Paths[i]
	from := len(dst)
	if len(p.Name) == 0 {
		return dst, false
	}
	if p.Name[0] == '/' {
		return clean(append(dst, p.Name...), from), true
	}
	kind := effectOf(SyscallName(e))
	arg := kind.dirOld
	if p.Nametype == NametypeCreate {
		arg = kind.dirNew
	}
	if len(e.CWD) == 0 || e.CWD[0] != '/' || e.Uring || arg >= 0 && !atCWD(e.Args[arg]) {
		return append(dst, p.Name...), false
	}
	dst = append(dst, e.CWD...)
	dst = append(dst, '/')
	return clean(append(dst, p.Name...), from), true
}

// clean makes the absolute path b[from:] the shortest name of the same file, as
// path.Clean does, in place.
func clean(b []byte, from int) []byte {
	p := b[from:]
	if !bytes.Contains(p, []byte("//")) && !bytes.Contains(p, []byte("/.")) && (len(p) == 1 || p[len(p)-1] != '/') {
		return b
	}
	w := 0 // p[:w] is clean, without a slash at its end
	for r := 0; r < len(p); {
		for r < len(p) && p[r] == '/' {
			r++
		}
		end := r
		for end < len(p) && p[end] != '/' {
			end++
		}
		switch name := p[r:end]; string(name) {
		case "", ".":
		case "..":
			w = max(bytes.LastIndexByte(p[:w], '/'), 0)
		default:
			p[w] = '/'
			w += 1 + copy(p[w+1:], name)
		}
		r = end
	}
	if w == 0 {
		p[0], w = '/', 1
	}
	return b[:from+w]
}

// NextField splits the first key=value off a record's text and returns what follows.
// The value is as written, which AppendText decodes. ok is false at the end.
func NextField(text []byte) (key, value, rest []byte, ok bool) { return next(text) }

// AppendText appends to dst the bytes that a value stands for: those within its quotes,
// or those that it is the hexadecimal of; anything else as it stands. Only of a field
// that the kernel writes as text can this be told: 1000 is the hexadecimal of two bytes.
func AppendText(dst, value []byte) []byte { return appendText(dst, value) }
