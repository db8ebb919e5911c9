package rest

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"honk/integrations/github/githubtest/record"
)

// sizes returns how many records a page has, and which page is asked for.
func (c *call) sizes() (size, page int) {
	size, page = 30, 1
	if n, err := strconv.Atoi(c.URL.Query().Get("per_page")); err == nil && n > 0 {
		size = min(n, 100)
	}
	if n, err := strconv.Atoi(c.URL.Query().Get("page")); err == nil && n > 0 {
		page = n
	}
	return size, page
}

// cut takes one page out of a list and makes the Link header.
func cut[T any](c *call, list []T) (part []T, link string) {
	size, page := c.sizes()
	last := max((len(list)+size-1)/size, 1)
	from := min((page-1)*size, len(list))
	part = list[from:min(from+size, len(list))]
	var links []string
	add := func(rel string, n int) {
		q := c.URL.Query()
		q.Set("page", strconv.Itoa(n))
		links = append(links, fmt.Sprintf(`<%s%s?%s>; rel="%s"`, c.Site.URL, c.URL.EscapedPath(), q.Encode(), rel))
	}
	if page > 1 {
		add("prev", min(page-1, last))
	}
	if page < last {
		add("next", page+1)
		add("last", last)
	}
	if page > 1 {
		add("first", 1)
	}
	return part, strings.Join(links, ", ")
}

// list answers with one page of records.
func list[T any](c *call, records []T, write func(T) record.Object) reply {
	part, link := cut(c, records)
	return reply{status: http.StatusOK, body: record.List(part, write), link: link}
}

// wrapped answers with one page of records below a key, beside their count.
func wrapped[T any](c *call, key string, records []T, write func(T) record.Object) reply {
	part, link := cut(c, records)
	return reply{status: http.StatusOK, link: link, body: record.Object{
		"total_count": len(records), key: record.List(part, write),
	}}
}

// number reads a number of the path.
func (c *call) number(name string) int64 {
	n, err := strconv.ParseInt(c.PathValue(name), 10, 64)
	if err != nil {
		return -1
	}
	return n
}
