#version 450
#extension GL_GOOGLE_include_directive : enable
#include "object.glsl"
#include "vertex.glsl"

layout(set = 0, binding = 0) uniform LightBuffer {
  mat4 viewMatrix;
  mat4 viewMatrixInverse;
  mat4 projectionMatrix;
  mat4 projectionMatrixInverse;
  int width;
  int height;
} lightBuffer;

void main() {
  vec4 world = objectTransformBuffer.modelMatrix * vec4(position, 1.0);
  gl_Position = lightBuffer.projectionMatrix * lightBuffer.viewMatrix * world;
}
