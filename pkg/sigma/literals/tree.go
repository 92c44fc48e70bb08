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

// compile numbers the states, those with rows first, and fills rows and lists.
func (s *Set) compile(t tree, order []uint32) {
	rows := 0
	state := make([]uint32, len(t)) // by node
	var sparse []uint32
	for _, node := range order {
		if b := &t[node]; rows < maxRows && (b.depth < 2 || len(b.to) > 2) {
			state[node] = uint32(rows) * s.columns
			rows++
		} else {
			sparse = append(sparse, node)
		}
	}
	s.sparse = uint32(rows) * s.columns
	for i, node := range sparse {
		state[node] = s.sparse + uint32(i)
	}
	s.next = make([]uint32, s.sparse)
	byNumber := make([]uint32, len(t))
	s.link = make([]uint32, len(t))
	marked := make([]uint32, len(t)) // by node: state with hit
	for _, node := range order {     // a suffix is before what it is a suffix of
		n, suffix := s.number(state[node]), t[node].suffix
		byNumber[n] = node
		if len(t[suffix].found) > 0 {
			s.link[n] = s.number(state[suffix]) + 1
		} else {
			s.link[n] = s.link[s.number(state[suffix])]
		}
		if marked[node] = state[node]; len(t[node].found) > 0 || s.link[n] != 0 {
			marked[node] |= hit
		}
	}
	for _, node := range byNumber {
		s.found = append(s.found, uint32(len(s.ends)))
		s.ends = append(s.ends, t[node].found...)
	}
	s.found = append(s.found, uint32(len(s.ends)))
	for _, node := range order {
		if state[node] < s.sparse {
			for column := range s.columns {
				s.next[state[node]+column] = marked[t.follow(node, uint8(column))]
			}
		}
	}
	for _, node := range sparse {
		from := uint32(len(s.ways))
		for i, column := range t[node].columns {
			s.ways = append(s.ways, way{uint32(column), marked[t[node].to[i]]})
		}
		s.chains = append(s.chains, chain{from, uint32(len(s.ways)), state[t[node].suffix]})
	}
}
