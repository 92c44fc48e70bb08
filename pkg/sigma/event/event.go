// Package event is what Sigma rules are about: kinds of events with their fields,
// and an event that can be filled again and again without allocating.
package event

import "strings"

// Logsource says which events a rule is about. An empty field is any.
type Logsource struct {
	Category, Product, Service string
}

// Covers reports whether a rule for l is about events of kind.
func (l Logsource) Covers(kind Logsource) bool {
	return (l.Category == "" || l.Category == kind.Category) &&
		(l.Product == "" || l.Product == kind.Product) &&
		(l.Service == "" || l.Service == kind.Service)
}

// String names it for people.
func (l Logsource) String() string {
	var parts []string
	for _, p := range []struct{ name, value string }{{"product", l.Product}, {"category", l.Category}, {"service", l.Service}} {
		if p.value != "" {
			parts = append(parts, p.name+" "+p.value)
		}
	}
	return strings.Join(parts, ", ")
}

// Field is the number of a field of events, from 0, without large gaps.
type Field int

// Source is a kind of events.
type Source struct {
	Logsource Logsource
	Fields    map[string]Field // by Sigma's name; several names may be one field
}

// Taxonomy lists the kinds of events; an event tells its kind by index.
type Taxonomy []Source

// Event is what rules are matched with. The zero value is an empty event of the
// first source. It is meant to be filled again and again: Reset, then Add.
type Event struct {
	source int
	values []value
	head   []int32 // by field: 1 + index of its first value
	last   []int32 // by field: 1 + index of its last value
	text   []byte  // of AddString
}

type value struct {
	field Field
	next  int32 // 1 + index of the field's next value
	text  []byte
}

// Reset empties the event and makes it one of a source.
func (e *Event) Reset(source int) {
	for i := range e.values {
		e.head[e.values[i].field] = 0
		e.values[i].text = nil
	}
	e.source, e.values, e.text = source, e.values[:0], e.text[:0]
}

// Source returns what Reset set.
func (e *Event) Source() int { return e.source }

// Add adds a value of a field. The event keeps text, which must not change before
// the next Reset.
func (e *Event) Add(f Field, text []byte) {
	for int(f) >= len(e.head) {
		e.head, e.last = append(e.head, 0), append(e.last, 0)
	}
	e.values = append(e.values, value{field: f, text: text})
	added := int32(len(e.values))
	if e.head[f] == 0 {
		e.head[f] = added
	} else {
		e.values[e.last[f]-1].next = added
	}
	e.last[f] = added
}

// AddString is Add with a copy of text.
func (e *Event) AddString(f Field, text string) {
	from := len(e.text)
	e.text = append(e.text, text...)
	e.Add(f, e.text[from:len(e.text):len(e.text)])
}

// Len returns how many values there are, of all fields.
func (e *Event) Len() int { return len(e.values) }

// At returns a value and its field.
func (e *Event) At(i int) (Field, []byte) {
	v := &e.values[i]
	return v.field, v.text
}

// First returns the index of a field's first value, -1 if the field is missing.
func (e *Event) First(f Field) int {
	if f < 0 || int(f) >= len(e.head) {
		return -1
	}
	return int(e.head[f]) - 1
}

// Next returns the index of the field's value after the one at i, -1 after the last.
func (e *Event) Next(i int) int { return int(e.values[i].next) - 1 }

// Value returns the first value of a field, and whether there is one.
func (e *Event) Value(f Field) ([]byte, bool) {
	i := e.First(f)
	if i < 0 {
		return nil, false
	}
	return e.values[i].text, true
}
