package shift

// SetCap says how many hits of a search the forge shows.
func (f *Forge) SetCap(n int) { f.cap = n }
