#version 450
// One triangle that covers the whole picture.

layout(location = 0) out vec2 outUV;

void main() {
  outUV = vec2(gl_VertexIndex == 1 ? 2.0 : 0.0, gl_VertexIndex == 2 ? 2.0 : 0.0);
  gl_Position = vec4(2.0 * outUV - 1.0, 0.0, 1.0);
}
