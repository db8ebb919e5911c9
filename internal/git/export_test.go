package git

// SetLimits changes the sizes up to which base commits are worked on.
func (g *Git) SetLimits(file, total int64) { g.limits = limits{file, total} }
