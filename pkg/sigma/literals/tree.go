package literals

import "fmt"

// tree is the tree of literals, of which New makes a Set; the root is the first node.
type tree []branch

type branch struct {
	columns []uint8 // of the children
	to      []uint32
	suffix  uint32 // the node of the longest proper suffix in the tree
	depth   int
	found   []end
}

// child returns the node that follows at a column, 0 if there is none.
func (t tree) child(node uint32, column uint8) uint32 {
	for i, c := range t[node].columns {
		if c == column {
			return t[node].to[i]
		}
	}
	return 0
}

// follow returns the node of the longest text in the tree that ends with that of
// node and column.
func (t tree) follow(node uint32, column uint8) uint32 {
	for {
		if child := t.child(node, column); child != 0 || node == 0 {
			return child
		}
		node = t[node].suffix
	}
}

// insert adds a literal: the nodes on its way, and at the last what ends there.
func (t *tree) insert(l Literal, class *[256]uint8) error {
	node := uint32(0)
	for i := range len(l.Text) {
		column := class[l.Text[i]]
		child := t.child(node, column)
		if child == 0 {
			if len(*t) == maxStates {
				return fmt.Errorf("%w: more than %d states", ErrTooMany, maxStates)
			}
			child = uint32(len(*t))
			*t = append(*t, branch{depth: i + 1})
			parent := &(*t)[node]
			parent.columns, parent.to = append(parent.columns, column), append(parent.to, child)
		}
		node = child
	}
	(*t)[node].found = append((*t)[node].found, end{l.ID, len(l.Text), l.Start, l.End})
	return nil
}

// order finds the suffixes and returns the nodes by depth.
func (t tree) order() []uint32 {
	queue := make([]uint32, 1, len(t))
	for i := 0; i < len(queue); i++ {
		node := queue[i]
		for j, child := range t[node].to {
			if node != 0 {
				t[child].suffix = t.follow(t[node].suffix, t[node].columns[j])
			}
			queue = append(queue, child)
		}
	}
	return queue
}

// states says how the nodes of a tree became states.
type states struct {
	of     []uint32 // by node: its state
	marked []uint32 // by node: its state, with hit if literals end there
	rows   []uint32 // nodes with rows, in the order of these
	sparse []uint32 // the others
}

// compile fills the set from a tree; order are its nodes by depth.
func (s *Set) compile(t tree, order []uint32) {
	x := states{of: make([]uint32, len(t)), marked: make([]uint32, len(t))}
	for _, node := range order {
		if b := &t[node]; len(x.rows) < maxRows && (b.depth < 2 || len(b.to) > 2) {
			x.of[node] = uint32(len(x.rows)) * s.columns
			x.rows = append(x.rows, node)
		} else {
			x.sparse = append(x.sparse, node)
		}
	}
	s.sparse = uint32(len(x.rows)) * s.columns
	for i, node := range x.sparse {
		x.of[node] = s.sparse + uint32(i)
	}
	s.mark(t, order, &x)
	s.fill(t, &x)
}

// mark notes what literals end at which state.
func (s *Set) mark(t tree, order []uint32, x *states) {
	s.link = make([]uint32, len(t))
	for _, node := range order { // a suffix is before what it is a suffix of
		n, suffix := s.number(x.of[node]), t[node].suffix
		if len(t[suffix].found) > 0 {
			s.link[n] = s.number(x.of[suffix]) + 1
		} else {
			s.link[n] = s.link[s.number(x.of[suffix])]
		}
		if x.marked[node] = x.of[node]; len(t[node].found) > 0 || s.link[n] != 0 {
			x.marked[node] |= hit
		}
	}
	s.found = make([]uint32, 0, len(t)+1)
	for _, nodes := range [][]uint32{x.rows, x.sparse} { // which is the order of numbers
		for _, node := range nodes {
			s.found = append(s.found, uint32(len(s.ends)))
			s.ends = append(s.ends, t[node].found...)
		}
	}
	s.found = append(s.found, uint32(len(s.ends)))
}

// fill makes the rows and the lists of what follows states without.
func (s *Set) fill(t tree, x *states) {
	s.next = make([]uint32, s.sparse)
	for i, node := range x.rows {
		row := s.next[uint32(i)*s.columns:][:s.columns]
		for column := range row {
			row[column] = x.marked[t.follow(node, uint8(column))]
		}
	}
	for _, node := range x.sparse {
		from := uint32(len(s.ways))
		for i, column := range t[node].columns {
			s.ways = append(s.ways, way{uint32(column), x.marked[t[node].to[i]]})
		}
		s.chains = append(s.chains, chain{from, uint32(len(s.ways)), x.of[t[node].suffix]})
	}
}
