package look

// Entities is entities.
var Entities = entities
