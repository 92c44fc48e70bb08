package main

// difference is a case in which the two differ, and why ours is right.
type difference struct {
	detection string
	event     fields
	ours      string
	theirs    string // the beginning
	why       string
}

func differences() []difference {
	return []difference{
		{`{s: {a: 'x*y'}, condition: s}`, fields{"a": "x--y"}, "x", "-", "wildcards are of the specification"},
		{`{s: {a: 'x\*'}, condition: s}`, fields{"a": "x*"}, "x", "-", "so is the backslash before them"},
		{`{s: {a: null}, condition: s}`, fields{"b": "x"}, "x", "error: ", "null is a field that is not there"},
		{`{s: {a: '<nil>'}, condition: s}`, fields{"b": "x"}, "-", "x", "a field that is not there has no text"},
		{`{s: {a|contains: n}, condition: s}`, fields{"b": "x"}, "-", "x", "a field that is not there has no text"},
		{`{s: {a|contains: ''}, condition: s}`, fields{"b": "x"}, "-", "x", "a field that is not there contains nothing"},
		{`{s: {a|gt: 5}, condition: s}`, fields{"a": ""}, "-", "panic: ", "an empty value is no number"},
		{`{s: {a|gt: 5}, condition: s}`, fields{"a": "0x10"}, "-", "x", "numbers are decimal; audit writes addresses in hexadecimal"},
		{`{s: {a|re|i: X}, condition: s}`, fields{"a": "x"}, "x", "error: ", "flags of re are of the specification"},
		{`{s: {a|cased: X}, condition: s}`, fields{"a": "x"}, "-", "error: ", "so is cased"},
		{`{s: {a|fieldref: b}, condition: s}`, fields{"a": "x", "b": "x"}, "x", "error: ", "so is fieldref"},
		{`{s: {a|exists: true}, condition: s}`, fields{"a": "x"}, "x", "error: ", "so is exists"},
		{`{s: {a|base64offset|contains: 'some text'}, condition: s}`, fields{"a": "c29tZSB0ZXh0"}, "x", "error: ", "so is base64offset"},
		{`{s: [x, y], condition: s}`, fields{"a": "-x-"}, "x", "error: ", "so are keywords"},
		{`{s: {a|all|contains: [x, y]}, condition: s}`, fields{"a": "xy"}, "x", "error: ", "all may stand anywhere"},
		{`{s: {a|cidr: 10.0.0.0/8}, condition: s}`, fields{"a": "fe80::1%eth0"}, "-", "-", ""},
		{`{s: {a|cidr: 'fe80::/10'}, condition: s}`, fields{"a": "fe80::1%eth0"}, "x", "-", "an address with a zone is in its network"},
		{`{s: {a|cidr: 192.0.2.1}, condition: s}`, fields{"a": "192.0.2.1"}, "x", "-", "an address alone is a network of one"},
		{`{s: {a|contains: k}, condition: s}`, fields{"a": "\u212a"}, "x", "x", ""},
		{`{s: {a|contains: s}, condition: s}`, fields{"a": "\u017f"}, "x", "-", "case is folded as for whole values, where both say yes"},
		{`{s: {a|contains: "i\u0307"}, condition: s}`, fields{"a": "İ"}, "-", "-", ""},
		{`{s: {a: x}, _t: {a: y}, condition: 1 of them}`, fields{"a": "y"}, "-", "x", "what begins with _ is none of them"},
		{`{s1: {a: x}, s2: {a: y}, condition: any of s*}`, fields{"a": "y"}, "x", "cannot be read", "any of is 1 of"},
		{`{sel-1: {a: x}, condition: sel-1}`, fields{"a": "x"}, "x", "cannot be read", "names may have hyphens"},
		{`{s: {a: '%x%'}, condition: s}`, fields{"a": "%x%"}, "x", "error: ", "placeholders need the modifier expand since version 1.1"},
		{`{s: {a: 10}, condition: s}`, fields{"a": "10"}, "x", "x", ""},
		{`{s: {a: true}, condition: s}`, fields{"a": "True"}, "x", "x", ""},
	}
}
