package effect

import (
	"bytes"

	"seawall/pkg/audit"
)

// Did returns what a successful event did to its path i, as an operation of a Change,
// and "" for nothing but looking. It says of one path what Changes says of all,
// and allocates nothing.
func Did(e *audit.Event, i int) string {
	if !e.HasSyscall || !e.Success {
		return ""
	}
	call := Call(e)
	kind := effectOf(call)
	if !opensForWriting(e, call) {
		kind.op = ""
	}
	return kind.operation(e.Paths[i].Nametype)
}

// AppendName appends the name of path i to dst, absolute and clean where the event
// tells the directory that it is relative to; absolute is false where it does not.
func AppendName(dst []byte, e *audit.Event, i int) (name []byte, absolute bool) {
	p := &e.Paths[i]
	from := len(dst)
	if len(p.Name) == 0 {
		return dst, false
	}
	if p.Name[0] == '/' {
		return clean(append(dst, p.Name...), from), true
	}
	kind := effectOf(Call(e))
	arg := kind.dirOld
	if p.Nametype == audit.NametypeCreate {
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
