#version 450
#extension GL_GOOGLE_include_directive : enable
// Writes down what is seen; composite0.frag lights it. So hidden surfaces cost next to nothing.
#include "object.glsl"

layout(set = 2, binding = 0) uniform MaterialBuffer {
  vec4 emission;
  vec4 baseColor;
  float fresnel;
  float roughness;
  float metallic;
  float transmission;
  float ior;
  float transmissionRoughness;
  int textureMask;
  int padding1;
  vec4 textureTransforms[6];
} materialBuffer;

layout(set = 2, binding = 1) uniform sampler2D colorTexture;
layout(set = 2, binding = 2) uniform sampler2D roughnessTexture;
layout(set = 2, binding = 3) uniform sampler2D normalTexture;
layout(set = 2, binding = 4) uniform sampler2D metallicTexture;
layout(set = 2, binding = 5) uniform sampler2D emissionTexture;
layout(set = 2, binding = 6) uniform sampler2D transmissionTexture;

layout(location = 0) in vec3 inPosition;
layout(location = 1) in vec3 inNormal;
layout(location = 2) in vec2 inUV;
layout(location = 3) in flat uint inEntity;

// SAPIEN blends what is not integer by its alpha, which therefore is 1.
layout(location = 0) out vec4 outSurface;  // linear albedo
layout(location = 1) out vec4 outNormal;   // unit normal in the camera's frame
// xyz: bits of the float position in the camera's frame, m. w: entity id, and above bit 16 the
// roughness in 255ths, and above bit 24 the metallic part in 127ths.
layout(location = 2) out ivec4 outPositionSegmentation;

void main() {
  vec4 albedo = materialBuffer.baseColor;
  if ((materialBuffer.textureMask & 1) != 0) {
    vec4 transform = materialBuffer.textureTransforms[0];
    albedo = texture(colorTexture, inUV * transform.zw + transform.xy);
  }
  outSurface = vec4(albedo.rgb, 1.0);
  outNormal = vec4(normalize(inNormal), 1.0);
  int roughness = int(255.0 * clamp(materialBuffer.roughness, 0.0, 1.0) + 0.5);
  int metallic = int(127.0 * clamp(materialBuffer.metallic, 0.0, 1.0) + 0.5);
  int label = (metallic << 24) | (roughness << 16) | int(inEntity & 0xffffu);
  outPositionSegmentation = ivec4(floatBitsToInt(inPosition), label);
}
