package build

// What the tests outside of the package see of it.
var RenderDocument = renderDocument

const PackageRender = packageRender
