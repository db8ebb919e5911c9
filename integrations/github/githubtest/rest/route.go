package rest

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
)

// route is one operation of the API. Need is the permission it takes, like
// contents:read; thread:read means issues for an issue and either issues or
// pull_requests for a pull request; app is the App itself and token any
// installation token.
//
// In the pattern {name...} and {ref} stand for any part of the path, with
// slashes, and the names of numbers for digits. http.ServeMux knows neither,
// and the first that fits is taken.
type route struct {
	pattern, need string
	handle        func(*call) reply
}

// compiled is a route with what finds its requests.
type compiled struct {
	route

	method string
	path   *regexp.Regexp
}

// name is one in a pattern.
var name = regexp.MustCompile(`\{([a-z]+)(\.\.\.)?\}`)

func compile(r route) compiled {
	method, path, _ := strings.Cut(r.pattern, " ")
	expr := name.ReplaceAllStringFunc(path, func(part string) string {
		short := strings.Trim(part, "{.}")
		switch {
		case strings.Contains(part, "..."):
			return "(?P<" + short + ">.*)"
		case short == "ref":
			return "(?P<ref>.+)"
		case short == "number" || short == "id" || short == "review" || short == "reaction":
			return "(?P<" + short + ">[0-9]+)"
		}
		return "(?P<" + short + ">[^/]+)"
	})
	return compiled{route: r, method: method, path: regexp.MustCompile("^/api/v3" + expr + "$")}
}

// match reports whether a request is for the route, and sets its path values.
func (c compiled) match(req *http.Request) bool {
	if req.Method != c.method {
		return false
	}
	found := c.path.FindStringSubmatch(req.URL.EscapedPath())
	if found == nil {
		return false
	}
	for n, key := range c.path.SubexpNames() {
		if key == "" {
			continue
		}
		plain, err := url.PathUnescape(found[n])
		if err != nil {
			return false
		}
		req.SetPathValue(key, plain)
	}
	return true
}
