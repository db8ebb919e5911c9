package args_test

import (
	"encoding/json"
	"strings"
	"testing"

	"honk/agent/tool/args"
)

func TestRepair(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, raw, want string }{
		{"valid stays byte for byte", `{ "a" : 1,"b":"x"}`, `{ "a" : 1,"b":"x"}`},
		{"nothing", "", "{}"},
		{"blank", " \n", "{}"},
		{"fence", "```json\n{\"a\":1}\n```", `{"a":1}`},
		{"bare fence", "```\n{\"a\":1}```", `{"a":1}`},
		{"trailing bytes", `{"a":1}</tool_call>`, `{"a":1}`},
		{"two objects", `{"a":1}{"b":2}`, `{"a":1}`},
		{"raw newline", "{\"a\":\"x\ny\tz\"}", `{"a":"x\u000ay\u0009z"}`},
		{"trailing comma", `{"a":[1,2,],}`, `{"a":[1,2]}`},
		{"comma in a string stays", "{\"a\":\",}\n\",}", `{"a":",}\u000a"}`},
		{"escaped quote", "{\"a\":\"\\\"\n\"}", `{"a":"\"\u000a"}`},
		{"encoded twice", `"{\"a\":\"b\"}"`, `{"a":"b"}`},
		{"encoded twice with faults", `"{\"a\":[1,],}"`, `{"a":[1]}`},
		{"fence and faults", "```json\n{\"a\":\"x\n\",}\n```", `{"a":"x\u000a"}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := args.Repair(tt.raw)
			if err != nil {
				t.Fatal(err)
			}
			if string(got) != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestRepair_errors(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, raw, want string }{
		{"cut off", `{"path":"a`, "unexpected end"},
		{"array", `[1]`, "not a JSON object"},
		{"text", `please run ls`, "invalid character"},
		{"too long", `{"a":"` + strings.Repeat("x", args.MaxBytes) + `"}`, "262144 allowed"},
		{"three times encoded", `"\"{}\""`, "not a JSON object"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := args.Repair(tt.raw)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %s, %v, want an error with %q", got, err, tt.want)
			}
		})
	}
}

const schema = `{"type":"object","additionalProperties":false,"required":["s"],"properties":{
	"s":{"type":"string"},"n":{"type":"integer","minimum":1,"maximum":400},"b":{"type":"boolean"},
	"e":{"type":"string","enum":["x","y"]},"l":{"type":"array","items":{"type":"string"}}}}`

func TestValidate(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, obj, want, err string }{
		{"plain", `{"s":"a","n":3,"b":true,"e":"x","l":["p"]}`, `{"b":true,"e":"x","l":["p"],"n":3,"s":"a"}`, ""},
		{"scalars put right", `{"s":12,"n":"12","b":"true"}`, `{"b":true,"n":12,"s":"12"}`, ""},
		{"whole float", `{"s":"","n":2.0}`, `{"n":2,"s":""}`, ""},
		{"null of an optional one", `{"s":"a","n":null}`, `{"s":"a"}`, ""},
		{"null of a required one", `{"s":null}`, "", `"s" must be of type string`},
		{"missing", `{}`, "", `"s" is missing`},
		{"unknown", `{"s":"a","file":"b"}`, "", `no parameter "file"`},
		{"fraction", `{"s":"a","n":1.5}`, "", `"n" must be of type integer`},
		{"too small", `{"s":"a","n":0}`, "", "at least 1"},
		{"too large", `{"s":"a","n":401}`, "", "at most 400"},
		{"huge", `{"s":"a","n":1e300}`, "", `"n" must be`},
		{"enum", `{"s":"a","e":"z"}`, "", "one of x, y"},
		{"string for an array", `{"s":"a","l":"p"}`, "", "of type array"},
		{"object for a string", `{"s":{}}`, "", "of type string"},
		{"wrong element", `{"s":"a","l":[[]]}`, "", "element 0 must be"},
		{"truthy", `{"s":"a","b":1}`, "", "of type boolean"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := args.Validate([]byte(schema), []byte(tt.obj))
			if tt.err == "" && (err != nil || string(got) != tt.want) {
				t.Errorf("got %s, %v, want %s", got, err, tt.want)
			}
			if tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err)) {
				t.Errorf("got %s, %v, want an error with %q", got, err, tt.err)
			}
		})
	}
}

func FuzzRepair(f *testing.F) {
	for _, s := range []string{`{"a":1}`, "```json\n{}```", `"{\"a\":1,}"`, "{\"a\":\"\n\"}", "[,]"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		got, err := args.Repair(raw)
		if err != nil {
			return
		}
		var obj map[string]any
		if err := json.Unmarshal(got, &obj); err != nil {
			t.Fatalf("%q became %q, which is no object: %v", raw, got, err)
		}
		if args.Whole(raw) && string(got) != raw {
			t.Fatalf("a valid object was changed: %q", got)
		}
	})
}
