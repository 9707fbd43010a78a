#version 450
#extension GL_GOOGLE_include_directive : enable
#define CAMERA_SET 0
#include "camera.glsl"
#include "object.glsl"
#include "vertex.glsl"

layout(location = 0) out vec3 outPosition;  // in the camera's frame (OpenGL axes), m
layout(location = 1) out vec3 outNormal;    // likewise
layout(location = 2) out vec2 outUV;
layout(location = 3) out flat uint outEntity;

void main() {
  mat4 modelView = cameraBuffer.viewMatrix * objectTransformBuffer.modelMatrix;
  vec4 place = modelView * vec4(position, 1.0);
  outPosition = place.xyz;
  outNormal = transpose(inverse(mat3(modelView))) * normal;
  outUV = uv;
  outEntity = objectDataBuffer.segmentation[1];
  gl_Position = cameraBuffer.projectionMatrix * place;
}
